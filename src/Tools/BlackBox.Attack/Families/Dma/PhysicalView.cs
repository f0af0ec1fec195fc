using System.Text.Json.Nodes;

namespace BlackBox.Attacks;

/// <summary>A part of RAM as the machine itself has it, from outside: what really happened.</summary>
internal static class PhysicalView
{
    public static async Task<byte[]> ReadAsync(AttackSession session, ulong address, int bytes)
    {
        var folder = Directory.CreateTempSubdirectory("blackbox-attack-");
        try
        {
            var file = Path.Combine(folder.FullName, "part");
            await session.Control.ExecuteAsync("pmemsave", new JsonObject { ["val"] = address, ["size"] = bytes, ["filename"] = file });
            return await File.ReadAllBytesAsync(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Does the word stand at the place?</summary>
    public static async Task<bool> HoldsAsync(AttackSession session, ulong address, ulong word) =>
        BitConverter.ToUInt64(await ReadAsync(session, address, sizeof(ulong))) == word;

    /// <summary>Frames outside the OS's reach in which a victim's secret stands.</summary>
    public static async Task<IReadOnlyList<ulong>> SecretFramesAsync(AttackSession session, Victim victim)
    {
        var readable = await MemoryImage.ReadableAsync(session);
        var dump = await MemoryImage.TakeAsync(session);
        var frames = new List<ulong>();
        bool Note(int frame)
        {
            if (!readable[frame])
            {
                frames.Add(AttackSession.RamStart + ((ulong)frame << 12));
            }

            return true;
        }

        _ = Pattern.Count(dump, victim.Salt, Note);
        return frames;
    }
}
