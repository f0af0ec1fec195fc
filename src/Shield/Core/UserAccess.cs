namespace BlackBox.Shield;

/// <summary>What an access to the program's memory wants to do.</summary>
internal enum UserAccess
{
    Read,
    Write,
    Execute,
}
