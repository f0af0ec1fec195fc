# Functions for the guest's shell: victims by name, each with a folder below /run/victims.
V=/run/victims

# victim_start NAME ROOT WORD...: starts /bin/victim (or $PROGRAM) in ROOT and waits until it is ready or has ended
victim_start() {
    name=$1 root=$2; shift 2
    rm -rf "$V/$name"; mkdir -p "$V/$name"; mkfifo "$V/$name/in"; : > "$V/$name/out"
    (
        # Somebody has to hold the writing end.
        exec 3<>"$V/$name/in"
        sh -c 'echo $$ > "$0/pid"; exec env -i $VICTIM_ENVIRONMENT chroot "$@"' "$V/$name" "$root" "${PROGRAM:-/bin/victim}" "$@" <"$V/$name/in" 3>&- >"$V/$name/out" 2>&1
        echo $? > "$V/$name/status"
    ) </dev/null >/dev/null 2>&1 &
    victim_wait "$name" 0 "${PATIENCE:-60}"
}

# victim_wait NAME LINES SECONDS: waits for more than LINES lines of output; prints the next one
victim_wait() {
    rounds=$(($3 * 20))
    while [ "$(wc -l < "$V/$1/out")" -le "$2" ]; do
        if [ -e "$V/$1/status" ]; then break; fi
        rounds=$((rounds - 1)); if [ $rounds -le 0 ]; then echo silent; return; fi
        usleep 50000
    done
    line=$(sed -n "$(($2 + 1))p" "$V/$1/out")
    if [ -n "$line" ]; then echo "$line"; else echo "ended $(cat "$V/$1/status")"; fi
}

# victim_ask NAME COMMAND SECONDS: its answer, "silent", or "ended STATUS"
victim_ask() {
    lines=$(wc -l < "$V/$1/out")
    printf %s "$2" 1<>"$V/$1/in"
    victim_wait "$1" "$lines" "$3"
}

# victim_end NAME [SECONDS]: kills it and waits for its end
victim_end() {
    if [ -e "$V/$1/pid" ] && [ ! -e "$V/$1/status" ]; then
        kill -9 "$(cat "$V/$1/pid")" 2>/dev/null
        rounds=$((${2:-20} * 20))
        while [ ! -e "$V/$1/status" ] && [ $rounds -gt 0 ]; do rounds=$((rounds - 1)); usleep 50000; done
    fi
    if [ -e "$V/$1/status" ]; then cat "$V/$1/status"; else echo stays; fi
}
