using System.Text.Json.Nodes;
using BlackBox.Hosting;

namespace BlackBox.Attacks;

/// <summary>All of RAM as the machine itself has it, from outside.</summary>
internal static class MemoryImage
{
    /// <summary>RAM, from its start. The machine stands still meanwhile.</summary>
    public static async Task<byte[]> TakeAsync(AttackSession session)
    {
        var folder = Directory.CreateTempSubdirectory("blackbox-attack-");
        try
        {
            var file = Path.Combine(folder.FullName, "ram");
            await session.Control.ExecuteAsync("stop");
            await session.Control.ExecuteAsync("pmemsave", new JsonObject
            {
                ["val"] = AttackSession.RamStart,
                ["size"] = (ulong)AttackSession.MemoryMiB << 20,
                ["filename"] = file,
            });
            return await File.ReadAllBytesAsync(file);
        }
        finally
        {
            folder.Delete(recursive: true);
            await ContinueAsync(session);
        }
    }

    /// <summary>For each frame of RAM: can the OS read it?</summary>
    public static async Task<bool[]> ReadableAsync(AttackSession session)
    {
        var readable = new bool[AttackSession.MemoryMiB << 8];
        var first = (int)((session.OsStart - AttackSession.RamStart) >> 12);
        Array.Fill(readable, true, first, readable.Length - first);
        foreach (var range in await session.RefusedAsync())
        {
            Array.Fill(readable, false, (int)((range.Address - AttackSession.RamStart) >> 12), (int)range.Frames);
        }

        return readable;
    }

    private static async Task ContinueAsync(AttackSession session)
    {
        try
        {
            await session.Control.ExecuteAsync("cont");
        }
        catch (BlackBoxException)
        {
            // A machine that has been switched off cannot go on.
        }
    }
}
