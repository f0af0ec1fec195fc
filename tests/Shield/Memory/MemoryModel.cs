using System.Collections.Generic;

namespace BlackBox.Shield.Tests;

/// <summary>Pages that several mappings show: a file, or shared memory. Two words of each page are looked at.</summary>
internal sealed class ModelStore(ulong size, ulong first)
{
    private readonly Dictionary<ulong, ulong[]> _pages = [];

    /// <summary>Pages that exist; beyond them is SIGBUS.</summary>
    public ulong Size { get; } = size;

    public ulong[] Page(ulong index)
    {
        if (!_pages.TryGetValue(index, out ulong[]? words))
            _pages[index] = words = first == 0 ? [0, 0] : [first + (index * 4096), first + (index * 4096) + 4088];
        return words;
    }
}

/// <summary>One mapped page as a program sees it.</summary>
internal sealed class ModelPage
{
    public Protection Protection { get; set; }

    public bool Shared { get; init; }

    /// <summary>What is mapped; null for private anonymous memory.</summary>
    public ModelStore? Store { get; init; }

    public ulong Index { get; init; }

    /// <summary>The process's own words, once it has stored.</summary>
    public ulong[]? Own { get; set; }

    public ModelPage Copy() => new() { Protection = Protection, Shared = Shared, Store = Store, Index = Index, Own = (ulong[]?)Own?.Clone() };

    /// <summary>0, or signal * 1000 + code.</summary>
    public int Outcome(UserAccess access)
    {
        bool permitted = access == UserAccess.Write ? (Protection & Protection.Write) != 0 : Protection != Protection.None;
        return !permitted ? 11_002 : Own is null && Store is not null && Index >= Store.Size ? 7_002 : 0;
    }

    public ulong Load(int word) => Own is not null ? Own[word] : Store is null ? 0 : Store.Page(Index)[word];

    public void StoreWord(int word, ulong value)
    {
        if (Shared)
        {
            Store!.Page(Index)[word] = value;
            return;
        }
        Own ??= Store is null ? [0, 0] : [.. Store.Page(Index)];
        Own[word] = value;
    }
}

/// <summary>An address space as a table of pages: what the real one must be indistinguishable from.</summary>
internal sealed class ModelSpace
{
    public SortedDictionary<ulong, ModelPage> Pages { get; } = [];

    public ulong Heap { get; set; }

    public ModelSpace Fork()
    {
        ModelSpace child = new() { Heap = Heap };
        foreach ((ulong page, ModelPage content) in Pages)
            child.Pages[page] = content.Copy();
        return child;
    }

    public bool IsFree(ulong page, ulong count)
    {
        for (ulong i = 0; i < count; i++)
        {
            if (Pages.ContainsKey(page + i))
                return false;
        }
        return true;
    }

    /// <summary>Where mmap without address puts <paramref name="count"/> pages: as high as possible below <paramref name="top"/>.</summary>
    public ulong Place(ulong count, ulong top)
    {
        ulong end = top;
        foreach (ulong page in System.Linq.Enumerable.Reverse(Pages.Keys))
        {
            if (page >= end)
                continue;
            if (end - (page + 1) >= count)
                break;
            end = page;
        }
        return end - count;
    }
}
