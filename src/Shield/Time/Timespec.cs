namespace BlackBox.Shield;

/// <summary>struct timespec of 64-bit Linux.</summary>
internal struct Timespec
{
    public const long NanosecondsPerSecond = 1_000_000_000;

    public long Seconds;
    public long Nanoseconds;

    public readonly bool IsValid => Seconds >= 0 && Nanoseconds is >= 0 and < NanosecondsPerSecond;
}
