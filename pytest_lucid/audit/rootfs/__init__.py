"""A simulation of what a build leaves where: files, owners, and how certain that is."""
