#!/usr/bin/env bash
# A SLURM cluster on one machine, for tests: slurm_cluster.sh start|stop FOLDER [PORT]
#
# Nodes n1 and n2 are the partition "measuring" (the default), node n3 is "waiting", for jobs that only pass time. All are
# this host, and n1 and n2 have a core of their own where there are two. Needs no root and writes nothing outside FOLDER;
# four ports from PORT on have to be free. Clients need SLURM_CONF=FOLDER/slurm.conf.
set -euo pipefail
action=$1 folder=$2 port=${3:-16817}
host=$(hostname -s) user=$(id -un)
export SLURM_CONF=$folder/slurm.conf PATH=$PATH:/usr/sbin:/sbin

start() {
  mkdir -p "$folder"/{state,log,spool.n1,spool.n2,spool.n3,tmp.n1,tmp.n2,tmp.n3}
  chmod 0700 "$folder"
  (umask 077; dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none)
  cat > "$SLURM_CONF" <<CONF
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
SlurmUser=$user
SlurmdUser=$user
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
# A folder each: PMIx makes one of the same name on every node.
TmpFS=$folder/tmp.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
# Containers may have no cgroups that can be written.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
ReturnToService=2
KillWait=2
# Tests on a busy machine look after their jobs late.
MinJobAge=3600
AccountingStorageType=accounting_storage/none
# Nodes may claim what this machine has not.
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=2 RealMemory=2000 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=2 RealMemory=2000 State=UNKNOWN
NodeName=n3 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 3)) CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=measuring Nodes=n1,n2 Default=YES MaxTime=01:00:00 State=UP
PartitionName=waiting Nodes=n3 MaxTime=01:00:00 State=UP
CONF
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
         --log-file="$folder/log/munged.log" --seed-file="$folder/munged.seed"
  slurmctld -c
  cores=()
  for core in $(seq 0 255); do taskset --cpu-list "$core" true 2>/dev/null && cores+=("$core"); done
  taskset --cpu-list "${cores[0]}" slurmd -N n1
  taskset --cpu-list "${cores[-1]}" slurmd -N n2
  slurmd -N n3
  for _ in $(seq 120); do
    [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = 3 ] && return
    sleep 0.25
  done
  echo "the cluster did not come up:" >&2
  tail -n 5 "$folder"/log/*.log >&2
  return 1
}

stop() {
  scancel --me || true
  for _ in $(seq 40); do [ -z "$(squeue --noheader 2>/dev/null)" ] && break; sleep 0.25; done
  for name in slurmd.n1 slurmd.n2 slurmd.n3 slurmctld munged; do
    [ -s "$folder/$name.pid" ] || continue
    pid=$(cat "$folder/$name.pid")
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
  done
}

"$action"
