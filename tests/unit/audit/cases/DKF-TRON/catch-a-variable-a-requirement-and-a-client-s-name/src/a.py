def f(x):
    return tron_client(x)
