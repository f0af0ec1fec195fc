using System;

namespace BlackBox.Shield;

/// <summary>
/// The manifest's list of paths at and below which files are not the image's: what container engines mount, and what the container may
/// write. The OS has the last word on what stands there.
/// </summary>
internal static class OutsidePaths
{
    /// <summary>Whether a canonical path is outside of the image. Without an image everything is.</summary>
    public static bool Covers(ReadOnlySpan<byte> path) =>
        FileTable.Count == 0
        || IsWithin(path, ProtectedImage.WritablePaths, ProtectedImage.WritablePathCount)
        || IsWithin(path, ProtectedImage.ClearPaths, ProtectedImage.ClearPathCount);

    private static bool IsWithin(ReadOnlySpan<byte> path, ReadOnlySpan<byte> texts, int count)
    {
        CborReader list = new(texts);
        for (int i = 0; i < count; i++)
        {
            if (list.TryText(out ReadOnlySpan<byte> folder) && path.StartsWith(folder)
                && (path.Length == folder.Length || path[folder.Length] == (byte)'/'))
            {
                return true;
            }
        }

        return false;
    }
}
