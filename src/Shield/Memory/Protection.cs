namespace BlackBox.Shield;

/// <summary>What a program may do with a page: the PROT_ bits of mmap(2).</summary>
[System.Flags]
internal enum Protection : uint
{
    /// <summary>PROT_NONE: mapped, no access.</summary>
    None = 0,

    /// <summary>PROT_READ.</summary>
    Read = 1,

    /// <summary>PROT_WRITE. On Arm64 Linux it implies reading.</summary>
    Write = 2,

    /// <summary>PROT_EXEC. Without Enhanced PAN it implies reading, as in Linux 6.1.</summary>
    Execute = 4,

    /// <summary>All three.</summary>
    All = Read | Write | Execute,
}
