import electron
neutron = 'patronage'
strong = matron
