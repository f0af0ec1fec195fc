using System;
using System.Buffers.Binary;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>A file in /dev/attestation.</summary>
internal enum AttestationFile
{
    None,

    /// <summary>The directory itself.</summary>
    Directory,

    /// <summary>64 bytes that the next evidence carries: a verifier's nonce, and data of the program.</summary>
    UserReportData,

    /// <summary>Evidence, made at the opening.</summary>
    Quote,

    /// <summary>Which kind of evidence it is.</summary>
    AttestationType,
}

/// <summary>
/// /dev/attestation, as programs know it from Gramine: what is written to user_report_data comes back in the evidence that quote
/// holds when it is opened next. The files are the enclave's; Linux has no such names, and gives only the descriptor numbers.
/// </summary>
internal static class AttestationFiles
{
    public const int ReportDataBytes = 64;

    // AttestBuffer of src/Abi/abi.json
    private const int ReportAt = 64;
    private const int EvidenceAt = 2048;
    private const int EvidenceBytes = 2048;
    private const int NeededFrames = 8;
    private const uint RegularFile = 0x8000;
    private const uint FolderFile = 0x4000;
    private const uint BasicStatus = 0x7FF;

    private static Handle<MemoryObject> reportData;

    private static ReadOnlySpan<byte> Directory => "/dev/attestation"u8;

    private static ReadOnlySpan<byte> Type => "blackbox"u8;

    /// <summary>Which of the files a canonical path names.</summary>
    public static AttestationFile Find(ReadOnlySpan<byte> path)
    {
        if (!path.StartsWith(Directory))
        {
            return AttestationFile.None;
        }

        ReadOnlySpan<byte> name = path[Directory.Length..];
        return name.IsEmpty ? AttestationFile.Directory
            : name.SequenceEqual("/user_report_data"u8) ? AttestationFile.UserReportData
            : name.SequenceEqual("/quote"u8) ? AttestationFile.Quote
            : name.SequenceEqual("/attestation_type"u8) ? AttestationFile.AttestationType
            : AttestationFile.None;
    }

    /// <summary>Opens one of the files: a descriptor or -errno.</summary>
    public static long Open(ref Thread thread, AttestationFile file, uint flags)
    {
        if ((flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive))
        {
            return -Errno.EEXIST;
        }

        bool writes = (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0;
        if (file != AttestationFile.UserReportData && writes)
        {
            return -Errno.EACCES;
        }

        SharedBuffer buffer = new(ref thread);
        if (!Frames.Reserve(ref thread, NeededFrames) || !buffer.TryPut("attestation\0"u8, out ulong place))
        {
            return -Errno.ENOMEM;
        }

        long number = PlainCall.Checked(Gate.Call(ref thread, Sys.memfd_create, place, (flags & OpenFlags.CloseOnExec) != 0 ? 1UL : 0));
        if (number < 0)
        {
            return number;
        }

        Handle<MemoryObject> content;
        long made = file == AttestationFile.UserReportData ? OpenReportData((flags & OpenFlags.Truncate) != 0, out content)
            : file == AttestationFile.Quote ? MakeQuote(out content)
            : MakeText(Type, out content);
        return OpenCalls.Attach(ref thread, number, made, OpenFileKind.Memory, flags, content);
    }

    /// <summary>Size and kind for struct stat (128 bytes) or statx (256): a file of root's that all may use.</summary>
    public static void WriteStatus(AttestationFile file, Span<byte> status)
    {
        status.Clear();
        uint mode = file == AttestationFile.Directory ? FolderFile | 0x16D : file == AttestationFile.UserReportData ? RegularFile | 0x1B6 : RegularFile | 0x124;
        ulong size = file == AttestationFile.UserReportData ? ReportDataBytes : file == AttestationFile.AttestationType ? (ulong)Type.Length : 0;
        bool isExtended = status.Length > 128;
        if (isExtended)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(status, BasicStatus);
            BinaryPrimitives.WriteUInt32LittleEndian(status[4..], FrameAddress.Size);
            BinaryPrimitives.WriteUInt16LittleEndian(status[28..], (ushort)mode);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(status[16..], mode);
            BinaryPrimitives.WriteUInt32LittleEndian(status[56..], FrameAddress.Size);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(status[(isExtended ? 16 : 20)..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(status[(isExtended ? 32 : 8)..], (ulong)file);
        BinaryPrimitives.WriteUInt64LittleEndian(status[(isExtended ? 40 : 48)..], size);
    }

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset() => reportData = default;

    /// <summary>The one object that all processes of the enclave share; it keeps its length.</summary>
    private static long OpenReportData(bool truncate, out Handle<MemoryObject> content)
    {
        content = default;
        if (!TryReportData(out Span<byte> data))
        {
            return -Errno.ENOMEM;
        }

        if (truncate)
        {
            data.Clear();
        }

        content = reportData;
        MemoryObjects.AddReference(content);
        return 0;
    }

    private static bool TryReportData(out Span<byte> data)
    {
        data = default;
        if (reportData.IsNull)
        {
            if (!MemoryObjects.TryCreateShared(ReportDataBytes, out Handle<MemoryObject> made))
            {
                return false;
            }

            Pool<MemoryObject>.Get(made).Seals = SharedObjects.SealGrow | SharedObjects.SealShrink | SharedObjects.SealSeal;
            reportData = made;
        }

        FrameAddress frame = MemoryObjects.SharedPage(reportData, 0, out _);
        if (!frame.IsNull)
        {
            data = Frames.Bytes(frame)[..ReportDataBytes];
        }

        return !frame.IsNull;
    }

    private static long MakeQuote(out Handle<MemoryObject> content)
    {
        content = default;
        if (!TryReportData(out Span<byte> data) || !Frames.TryAllocate(out FrameAddress frame))
        {
            return -Errno.ENOMEM;
        }

        Span<byte> request = Frames.Bytes(frame);
        data.CopyTo(request);
        int reportLength = AttestationReport.Write(request.Slice(ReportAt, AttestationReport.MaxBytes));
        long status = Hardware.Attest(frame.Value, (ulong)reportLength, out ulong length);
        long result = status != 0 || length is 0 or > EvidenceBytes ? -Errno.EIO : MakeText(request.Slice(EvidenceAt, (int)length), out content);
        ConstantTime.Wipe(request);
        Frames.Free(frame);
        return result;
    }

    private static long MakeText(ReadOnlySpan<byte> text, out Handle<MemoryObject> content)
    {
        if (!MemoryObjects.TryCreateShared(0, out content))
        {
            return -Errno.ENOMEM;
        }

        ViewWriter writer = new(content);
        writer.Put(text);
        if (writer.Failed)
        {
            MemoryObjects.Release(content);
            return -Errno.ENOMEM;
        }

        return 0;
    }
}
