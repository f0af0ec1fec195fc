namespace BlackBox.Shield;

/// <summary>Small questions that the shield answers itself.</summary>
internal static class InfoCalls
{
    /// <summary>personality: asks for the present one (0xffffffff) or sets PER_LINUX; nothing else is offered.</summary>
    public static long Personality(ref Thread thread, ref CallArguments a) => (uint)a[0] is 0 or uint.MaxValue ? 0 : -Errno.EINVAL;
}
