using System.Collections.Generic;
using Xunit;

namespace BlackBox.Shield.Tests;

public class PoolTests
{
    private struct Entry
    {
        public ulong Value;
        public ulong Other { get; set; }
    }

    [Fact]
    public void Entries_keep_their_values_while_the_pool_grows_and_stale_handles_are_known()
    {
        CallMachine.Start(userMemory: false);
        Pool<Entry>.Reset();
        List<Handle<Entry>> handles = [];
        for (ulong i = 0; i < 2000; i++)
        {
            Assert.True(Pool<Entry>.TryAdd(out Handle<Entry> handle));
            Pool<Entry>.Get(handle).Value = i;
            handles.Add(handle);
        }

        for (int i = 0; i < 2000; i += 2)
        {
            Pool<Entry>.Free(handles[i]);
        }

        for (int i = 0; i < 2000; i++)
        {
            Assert.Equal(i % 2 == 1, Pool<Entry>.IsLive(handles[i]));
        }

        Assert.True(Pool<Entry>.TryAdd(out Handle<Entry> again));
        Assert.Equal(0UL, Pool<Entry>.Get(again).Value);
        Assert.Equal(7UL, Pool<Entry>.Get(handles[7]).Value);
        Assert.Equal(1001, Pool<Entry>.Count);
        Assert.Equal(
            PanicReason.StaleHandle, Assert.Throws<ShieldStoppedException>(() => Pool<Entry>.Get(handles[0]).Other).Reason);
    }
}
