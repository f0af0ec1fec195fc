namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class SwappedBlocks() : ImageAttack("image-swapped-blocks", "exchanges the first two blocks of the program", "dd if=$R/bin/victim of=/tmp/b0 bs=4096 count=1 2>/dev/null; dd if=$R/bin/victim of=/tmp/b1 bs=4096 skip=1 count=1 2>/dev/null; dd if=/tmp/b1 of=$R/bin/victim bs=4096 conv=notrunc 2>/dev/null; dd if=/tmp/b0 of=$R/bin/victim bs=4096 seek=1 conv=notrunc 2>/dev/null; printf '\\177BBX' | dd of=$R/bin/victim bs=1 conv=notrunc 2>/dev/null");
