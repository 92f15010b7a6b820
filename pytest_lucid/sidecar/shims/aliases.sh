# Aliases stand for functions, so that inside the functions the same words still mean busybox. Read last.

alias ash=_sh busybox=_busybox cat=_cat command=_command df=_df dpkg-query=_dpkg_query env=_env getent=_getent
alias groups=_groups_of id=_id ip=_ip ls=_ls mount=_mount nc=_nc netstat=_netstat ping=_ping pip=_pip ps=_ps sh=_sh
alias ss=_ss stat=_stat test=_test top=_top ulimit=_ulimit which=_which whoami=_whoami
