using System.Buffers.Binary;
using System.Text;

namespace BlackBox.Tools.Tests;

/// <summary>Makes small ELF files for arm64: just headers, an interpreter and a dynamic section.</summary>
internal static class ElfSample
{
    public static byte[] Create(string? interpreter, IReadOnlyList<string> needed, string? runPath = null, ushort machine = 183)
    {
        var strings = new MemoryStream();
        strings.WriteByte(0);
        long Add(string text)
        {
            var at = strings.Length;
            strings.Write(Encoding.UTF8.GetBytes(text + "\0"));
            return at;
        }

        var dynamic = new List<(long Tag, long Value)>();
        dynamic.AddRange(needed.Select(name => (1L, Add(name))));
        if (runPath is not null)
        {
            dynamic.Add((29, Add(runPath)));
        }

        const int Headers = 64 + (3 * 56);
        var interp = interpreter is null ? [] : Encoding.UTF8.GetBytes(interpreter + "\0");
        var dynamicAt = Headers + interp.Length;
        var stringsAt = dynamicAt + ((dynamic.Count + 2) * 16);
        dynamic.Add((5, stringsAt));
        dynamic.Add((0, 0));

        var file = new byte[stringsAt + strings.Length];
        "\u007fELF"u8.CopyTo(file);
        (file[4], file[5], file[6]) = (2, 1, 1);
        U16(16, 3);
        U16(18, machine);
        U64(32, 64);
        U16(56, 3);
        Segment(0, 1, 0, file.Length);
        Segment(1, interpreter is null ? 4 : 3, Headers, interp.Length);
        Segment(2, 2, dynamicAt, dynamic.Count * 16);
        interp.CopyTo(file, Headers);
        for (var i = 0; i < dynamic.Count; i++)
        {
            U64(dynamicAt + (i * 16), dynamic[i].Tag);
            U64(dynamicAt + (i * 16) + 8, dynamic[i].Value);
        }

        strings.ToArray().CopyTo(file, stringsAt);
        return file;

        void U16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)value);
        void U64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), value);
        void Segment(int index, int type, int offset, int size)
        {
            var at = 64 + (index * 56);
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), type);
            U64(at + 8, offset);
            U64(at + 16, offset);
            U64(at + 32, size);
            U64(at + 40, size);
        }
    }
}
