using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace BlackBox.Simulation;

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

    /// <summary>A small board like QEMU's "virt".</summary>
    public static byte[] Virt(uint named = 2, uint handle = 2) => new DeviceTreeBlob()
        .Begin("").Cells("#address-cells", 2).Cells("#size-cells", 2).Text("compatible", "linux,dummy-virt").Text("model", "board")
        .Begin("memory@40000000").Text("device_type", "memory").Cells("reg", 0, 0x40000000, 0, 0x40000000).End()
        .Begin("memory@80000000").Text("device_type", "memory").Cells("reg", 0, 0x80000000, 0, 0x40000000).End()
        .Begin("cpus").Cells("#address-cells", 1).Cells("#size-cells", 0)
        .Begin("cpu@0").Text("device_type", "cpu").Cells("reg", 0).End()
        .Begin("cpu@1").Text("device_type", "cpu").Cells("reg", 1).End().End()
        .Begin("chosen").Text("bootargs", "console=ttyAMA0 blackbox.benchmark quiet").Bytes("rng-seed", 0xa0, 0xa0, 0xa0, 0xa0)
        .Bytes("kaslr-seed", 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1)
        .Cells("linux,initrd-start", 0x48000000).Cells("linux,initrd-end", 0, 0x48100000).End()
        .Begin("intc@8000000").Text("compatible", "arm,gic-v3").Cells("#address-cells", 2).Cells("#size-cells", 2).Bytes("ranges")
        .Cells("reg", 0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0xf60000)
        .Begin("its@8080000").Text("compatible", "arm,gic-v3-its").Cells("reg", 0, 0x08080000, 0, 0x20000).End().End()
        .Begin("pl011@9000000").Text("compatible", "arm,pl011", "arm,primecell").Cells("reg", 0, 0x09000000, 0, 0x1000).End()
        .Begin("fw-cfg@9020000").Text("compatible", "qemu,fw-cfg-mmio").Cells("reg", 0, 0x09020000, 0, 0x18).End()
        .Begin("virtio_mmio@a000000").Text("compatible", "virtio,mmio").Cells("reg", 0, 0x0a000000, 0, 0x200).End()
        .Begin("smmuv3@9050000").Text("compatible", "arm,smmu-v3").Cells("phandle", handle).Cells("reg", 0, 0x09050000, 0, 0x20000).End()
        .Begin("flash@0").Text("compatible", "cfi-flash").Cells("reg", 0, 0, 0, 0x4000000, 0, 0x4000000, 0, 0x4000000).End()
        .Begin("pcie@10000000").Text("compatible", "pci-host-ecam-generic").Text("device_type", "pci").Cells("#address-cells", 3).Cells("#size-cells", 2)
        .Cells("reg", 0x40, 0x10000000, 0, 0x10000000).Cells("msi-map", 0, 1, 0, 0x10000).Cells("iommu-map", 0, named, 0, 0x10000)
        .Cells("ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000).End()
        .End().Build();

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
