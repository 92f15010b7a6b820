# Aliases stand for functions, so that inside the functions the same words still mean busybox. Read last.

alias '[=_bracket' ash=_sh awk=_awk busybox=_busybox cat=_cat cd=_cd command=_command df=_df dpkg-query=_dpkg_query env=_env find=_find
alias getent=_getent groups=_groups_of id=_id ip=_ip ls=_ls mount=_mount nc=_nc netstat=_netstat ping=_ping pip=_pip
alias ps=_ps sh=_sh ss=_ss stat=_stat test=_test top=_top ulimit=_ulimit which=_which whoami=_whoami
alias du=_du grep=_grep printenv=_printenv
for _name in $_looking; do
    # shellcheck disable=SC2139 # now
    alias "$_name=_$_name"
done
for _starter in $_starters; do
    # shellcheck disable=SC2139 # now
    alias "$_starter=_starting $_starter"
done
