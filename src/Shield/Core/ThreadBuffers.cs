using System;

namespace BlackBox.Shield;

/// <summary>A thread's first look at its shared buffer.</summary>
internal static class ThreadBuffers
{
    /// <summary>Room for services' data, at most; and what forwarded calls need at least (a path, structures).</summary>
    private const int MaxServiceBytes = 64 << 10;
    private const int MinCallBytes = 3 * FrameAddress.Size;

    /// <summary>
    /// Gives all of the data area to services, so that a file is read with fewer of them: for work during which no call is
    /// forwarded with data (there is no room for it then, and the call fails). Returns what is to be put back afterwards.
    /// </summary>
    public static int Widen(ref Thread thread)
    {
        int before = thread.ServiceBytes;
        thread.ServiceBytes = Math.Min(MaxServiceBytes, thread.DataBytes & ~(FrameAddress.Size - 1));
        return before;
    }

    /// <summary>
    /// Copies from the header what the thread keeps. IPA, size and task come from the monitor, hence are true; OS addresses
    /// are the OS's own business. <paramref name="numbers"/>: TID &lt;&lt; 32 | TGID, not checked. False: unusable.
    /// </summary>
    public static bool TryAttach(ref Thread thread, ulong address, ulong bytes, ulong task, out ulong numbers)
    {
        numbers = 0;
        if (bytes > 1 << 20 || bytes < (ulong)(BufferLayout.HeaderSize + FrameAddress.Size + MinCallBytes))
        {
            return false;
        }

        thread.TaskHandle = task;
        thread.BufferAddress = address;
        thread.BufferSize = (int)bytes;
        thread.OsBuffer = SharedBuffer.ReadHeader(ref thread, BufferLayout.BufferAddress);
        thread.OsGate = SharedBuffer.ReadHeader(ref thread, BufferLayout.GateAddress);
        thread.OsService = SharedBuffer.ReadHeader(ref thread, BufferLayout.ServiceAddress);
        thread.OsMirror = SharedBuffer.ReadHeader(ref thread, BufferLayout.MirrorAddress);
        ulong mirror = SharedBuffer.ReadHeader(ref thread, BufferLayout.MirrorFrame);
        ulong index = SharedBuffer.ReadHeader(ref thread, BufferLayout.Index);
        thread.MirrorFrame = (mirror & (FrameAddress.Size - 1)) == 0 && mirror < BufferLayout.LentBit ? mirror | BufferLayout.LentBit : 0;
        thread.MirrorIndex = (int)(index & 511);
        ulong stack = SharedBuffer.ReadHeader(ref thread, BufferLayout.SignalStack) - thread.OsBuffer;
        ulong stackBytes = SharedBuffer.ReadHeader(ref thread, BufferLayout.SignalStackSize);
        int data = (int)bytes - BufferLayout.HeaderSize;
        if (stackBytes != 0)
        {
            ulong least = (ulong)(BufferLayout.HeaderSize + FrameAddress.Size + MinCallBytes);
            if (stack < least || stack > bytes || stackBytes > bytes - stack)
            {
                return false;
            }

            thread.SignalStackOffset = (int)stack;
            thread.SignalStackBytes = (int)stackBytes;
            data = (int)stack - BufferLayout.HeaderSize;
        }

        thread.DataBytes = data;
        thread.ServiceBytes = Math.Min(MaxServiceBytes, Math.Max(data / 4, FrameAddress.Size) & ~(FrameAddress.Size - 1));
        numbers = SharedBuffer.ReadHeader(ref thread, BufferLayout.ThreadId);
        return true;
    }
}
