using System;

namespace BlackBox.Shield;

/// <summary>
/// The page that handlers without SA_RESTORER return to (Linux has it in its vdso): `mov x8, #139; svc #0`, the very
/// instructions that unwinders recognise as a signal frame. Mapped read-execute at the same place in every process.
/// </summary>
internal static class Trampoline
{
    /// <summary>The last page but one: every stack ends below (see UserLayout, AddressSpaces.ChooseBases).</summary>
    public const ulong Address = UserLayout.Top - UserLayout.PageBytes;

    private static Handle<MemoryObject> page;

    private static ReadOnlySpan<byte> Code => [0x68, 0x11, 0x80, 0xD2, 0x01, 0x00, 0x00, 0xD4];

    /// <summary>Maps it into a new address space. False: no memory.</summary>
    public static bool TryMap(ref Thread thread, Handle<AddressSpace> space)
    {
        if (!Frames.Reserve(ref thread, 8))
        {
            return false;
        }

        if (page.IsNull)
        {
            if (!MemoryObjects.TryCreateShared(UserLayout.PageBytes, out Handle<MemoryObject> created))
            {
                return false;
            }

            FrameAddress frame = MemoryObjects.SharedPage(created, 0, out _);
            if (frame.IsNull)
            {
                MemoryObjects.Release(created);
                return false;
            }

            Code.CopyTo(Frames.Bytes(frame));
            page = created;
        }

        MapRequest request = new()
        {
            Address = Address,
            Length = UserLayout.PageBytes,
            Fixed = true,
            Protection = Protection.Read | Protection.Execute,
            Maximum = Protection.Read | Protection.Execute,
            Flags = AreaFlags.Shared,
            Object = page,
        };
        return Mapping.Map(space, in request) >= 0;
    }

    internal static void Reset() => page = default;
}
