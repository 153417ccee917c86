"""The same measurement on devices of many machines: plan, parcels, what runs on a node, who conducts it."""
