"""The API gateway: the one entrance to the services of Lucid."""
