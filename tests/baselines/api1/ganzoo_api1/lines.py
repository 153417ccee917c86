class Lines:
    def __init__(self, run, *, resume_step):
        self._file = (run / "api1.txt").open("a")
        self._file.write(f"from {resume_step}\n")

    def log(self, record):
        self._file.write(f"{record['step']}\n")

    def picture(self, path, step):
        self._file.write(f"{path.name} {step}\n")

    def close(self):
        self._file.close()
