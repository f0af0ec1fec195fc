using System.Buffers.Binary;
using System.Text;

namespace BlackBox.Monitor.Tests;

/// <summary>Writes flattened device trees (Devicetree Specification 0.4, chapter 5).</summary>
internal sealed class DeviceTreeBlob
{
    private readonly List<byte> _structure = [];
    private readonly List<byte> _strings = [];

    public DeviceTreeBlob Begin(string name)
    {
        Word(_structure, 1);
        return Padded([.. Encoding.ASCII.GetBytes(name), 0]);
    }

    public DeviceTreeBlob End()
    {
        Word(_structure, 2);
        return this;
    }

    public DeviceTreeBlob Bytes(string name, params byte[] value)
    {
        Word(_structure, 3);
        Word(_structure, (uint)value.Length);
        Word(_structure, (uint)_strings.Count);
        _strings.AddRange([.. Encoding.ASCII.GetBytes(name), 0]);
        return Padded(value);
    }

    public DeviceTreeBlob Text(string name, params string[] texts) => Bytes(name, Encoding.ASCII.GetBytes(string.Concat(texts.Select(text => text + '\0'))));

    public DeviceTreeBlob Cells(string name, params uint[] cells)
    {
        List<byte> value = [];
        foreach (uint cell in cells)
        {
            Word(value, cell);
        }

        return Bytes(name, [.. value]);
    }

    public byte[] Build()
    {
        Word(_structure, 9);
        List<byte> blob = [];
        uint structure = 40 + 16;
        uint strings = structure + (uint)_structure.Count;
        uint size = strings + (uint)_strings.Count;
        foreach (uint word in new[] { 0xd00dfeed, size, structure, strings, 40u, 17u, 16u, 0u, (uint)_strings.Count, (uint)_structure.Count, 0u, 0u, 0u, 0u })
        {
            Word(blob, word);
        }

        blob.AddRange(_structure);
        blob.AddRange(_strings);
        return [.. blob];
    }

    private DeviceTreeBlob Padded(byte[] bytes)
    {
        _structure.AddRange(bytes);
        _structure.AddRange(new byte[-bytes.Length & 3]);
        return this;
    }

    private static void Word(List<byte> list, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        list.AddRange(bytes);
    }
}
