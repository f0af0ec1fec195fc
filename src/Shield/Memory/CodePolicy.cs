namespace BlackBox.Shield;

/// <summary>
/// Which pages a program may execute: those of verified code (files that the signed table names as such) as long as nothing can store to the mapping, and anything else only if the
/// manifest allows it (code made at run time). Once a mapping could be stored to, its maximum protection excludes executing for good.
/// </summary>
internal static class CodePolicy
{
    /// <summary>The manifest allows executing anonymous memory and unverified or altered files. Set once, by the Loader.</summary>
    public static bool AllowsUnverified { get; set; }

    /// <summary>Whether a mapping may have this protection.</summary>
    public static bool MayExecute(Handle<MemoryObject> source, Protection protection)
    {
        if ((protection & Protection.Execute) == 0 || AllowsUnverified)
            return true;
        return IsVerified(source) && (protection & Protection.Write) == 0;
    }

    /// <summary>What mprotect may give a mapping at most.</summary>
    public static Protection Limit(Handle<MemoryObject> source, Protection protection, Protection maximum)
    {
        if (AllowsUnverified)
            return maximum;
        return IsVerified(source) && (protection & Protection.Write) == 0 ? maximum : maximum & ~Protection.Execute;
    }

    private static bool IsVerified(Handle<MemoryObject> source)
    {
        if (source.IsNull)
            return false;
        ref MemoryObject target = ref Pool<MemoryObject>.Get(source);
        return target.Kind == ObjectKind.File && target.Identity.Source == FileSource.Encrypted;
    }
}
