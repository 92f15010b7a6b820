import tronpy
