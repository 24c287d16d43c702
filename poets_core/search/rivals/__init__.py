"""The methods that POETS is compared with, one file each."""
