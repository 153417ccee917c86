import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # stylegan2_reference, stylegan2_files
