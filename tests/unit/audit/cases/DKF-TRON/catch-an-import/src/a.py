import os
import tronpy
