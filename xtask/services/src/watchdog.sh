# Becomes a server that ends with whoever started it, even where that is killed. The arguments: the signal that ends the server,
# the server's folder, and the server's command.
#
# Standard input is a pipe whose other end only the starter holds. A line from it means that the starter ends the server itself;
# its end means that the starter is gone. The watchdog is no child of the server, which would wonder about it.
signal=$1
folder=$2
shift 2
exec 3<&0 </dev/null
(
    {
        read -r _ <&3 && exit
        kill -s "$signal" $$
        tenths=0
        while kill -s 0 $$ && [ $tenths -lt 50 ]; do
            sleep 0.1
            tenths=$((tenths + 1))
        done 2>/dev/null
        kill -s KILL $$ 2>/dev/null
        # Of several servers in one folder the last one removes that too.
        rm -rf "$folder"
        rmdir "${folder%/*}" 2>/dev/null
    } &
)
exec "$@" 3<&-
