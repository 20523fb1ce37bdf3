# Metadata lives in pyproject.toml. bench reads the app's name from this file when it is given a repository.
from setuptools import setup

setup(name="crm_ext")
