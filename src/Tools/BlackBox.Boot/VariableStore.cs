using System.Buffers.Binary;
using System.Text;

namespace BlackBox.Boot;

/// <summary>
/// The flash in which QEMU's Arm firmware (AAVMF, EDK II) keeps its variables, written before the first boot: the owner's keys are enrolled, Secure
/// Boot is on, nothing waits for a key press. Everything that the firmware would write at its first start is there, so the flash can be read-only
/// from the beginning.
/// </summary>
public static class VariableStore
{
    /// <summary>Bytes of a flash device of machine "virt".</summary>
    public const long FlashSize = 64L << 20;

    private const int RecordHeader = 60;
    private const int WorkingBlock = 0x40000;
    private const int VolumeSize = 0xC0000;
    private const uint Stored = 1;           // non-volatile
    private const uint BootTime = 2;
    private const uint RunTime = 4;
    private const uint Authenticated = 0x20; // time-based

    // EFI_FIRMWARE_VOLUME_HEADER (PI specification, volume 3) with the file system GUID of variable stores, then VARIABLE_STORE_HEADER of
    // authenticated variables; sizes as ArmVirtQemu has them.
    private const string VolumeHeader =
        "000000000000000000000000000000008d2bf1ff96768b4ca9852747075b4f5000000c00000000005f465648360e00004800f8f8000000020001000000000400"
        + "0000000000000000782cf3aa7b949a43a1802e144ec37792b8ff03005afe000000000000";

    // EFI_FAULT_TOLERANT_WORKING_BLOCK_HEADER of an empty block.
    private const string WorkingHeader = "2b29589e687c7d49a0ce6500fd9f1b955be7c686feffffffe0ff030000000000";

    // Device path of AAVMF's terminal: its serial port (38400 baud, 8N1) as VT-100.
    private const string SerialConsole =
        "010414004b7d98d31a975f438caf4967eb627241030e1300000000000096000000000000080101030a14006560a6df19b4d3119a2d0090273fc14d7fff0400";

    private static readonly Guid Global = new("8be4df61-93ca-11d2-aa0d-00e098032b8c");
    private static readonly Guid Database = new("d719b2cb-3d3a-4596-a3bc-dad00e67656f");

    /// <summary>Writes a flash image.</summary>
    /// <param name="keys">null: none are enrolled, Secure Boot is off (setup mode)</param>
    public static void Write(string path, SecureBootKeys? keys)
    {
        var flash = new byte[VolumeSize];
        Array.Fill(flash, (byte)0xff);
        Convert.FromHexString(VolumeHeader).CopyTo(flash, 0);
        Convert.FromHexString(WorkingHeader).CopyTo(flash, WorkingBlock);
        var at = VolumeHeader.Length / 2;
        Add(flash, ref at, "CustomMode", new Guid("c076ec0c-7028-4399-a072-71ee5c448b9f"), Stored | BootTime, [0]);
        Add(flash, ref at, "certdb", new Guid("d9bee56e-75dc-49d9-b4d7-b534210f637a"), Stored | BootTime | RunTime | Authenticated, [4, 0, 0, 0]);
        Add(flash, ref at, "VendorKeysNv", new Guid("9073e4e0-60ec-4b6e-9903-4c223c260f3c"), Stored | BootTime | Authenticated, [1]);
        Add(flash, ref at, "Timeout", Global, Stored | BootTime | RunTime, [0, 0]);
        foreach (var console in (string[])["ConOut", "ErrOut", "ConIn"])
        {
            Add(flash, ref at, console, Global, Stored | BootTime | RunTime, Convert.FromHexString(SerialConsole));
        }

        if (keys is not null)
        {
            foreach (var name in SecureBootKeys.Names)
            {
                Add(flash, ref at, name, name == "db" ? Database : Global, Stored | BootTime | RunTime | Authenticated, SignatureList.Create(keys.Certificate(name)));
            }

            Add(flash, ref at, "SecureBootEnable", new Guid("f0a30bc7-af08-4556-99c4-001009c93a44"), Stored | BootTime, [1]);
        }

        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write(flash);
        file.SetLength(FlashSize);
    }

    // AUTHENTICATED_VARIABLE_HEADER (EDK II, VariableFormat.h): everything not named here stays zero, among it the time of the last update.
    private static void Add(byte[] flash, ref int at, string name, Guid vendor, uint attributes, byte[] data)
    {
        var text = Encoding.Unicode.GetBytes(name + '\0');
        var record = flash.AsSpan(at, RecordHeader + text.Length + data.Length);
        record.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(record, 0x55aa);
        record[2] = 0x3f;    // added
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], attributes);
        BinaryPrimitives.WriteInt32LittleEndian(record[36..], text.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record[40..], data.Length);
        vendor.TryWriteBytes(record[44..]);
        text.CopyTo(record[RecordHeader..]);
        data.CopyTo(record[(RecordHeader + text.Length)..]);
        at = (at + record.Length + 3) & ~3;
    }
}
