namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Alternating() : ImageAttack("image-alternating", "exchanges the program with a changed one and back, all the time, while it is started", "cp $R/bin/victim $R/good; cp $R/bin/victim $R/bad; dd if=/dev/zero of=$R/bad bs=4096 seek=20 count=60 conv=notrunc 2>/dev/null; touch /tmp/alternating; (while [ -e /tmp/alternating ]; do cat $R/bad > $R/bin/victim; cat $R/good > $R/bin/victim; done) >/dev/null 2>&1 &", mayStart: true, afterwards: "rm -f /tmp/alternating; sleep 0.3");
