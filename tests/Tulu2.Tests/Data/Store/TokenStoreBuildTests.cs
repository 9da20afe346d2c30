using Tulu2.Data.Rows;
using Tulu2.Data.Store;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Store;

/// <summary>Builds that are cut short, damaged, repeated or made twice at once.</summary>
public sealed class TokenStoreBuildTests : StoreFixture
{
    [Theory]
    [InlineData("tokens-00000.arrow", false)]
    [InlineData("tokens-00000.arrow", true)]
    [InlineData("manifest.json", false)]
    [InlineData("manifest.json", true)]
    public void A_damaged_or_cut_store_is_built_again(string file, bool cut)
    {
        var path = Rows("rows.jsonl", 50);
        string key;
        using (var store = Open(path).Store) key = store.Key;
        var damaged = Path.Combine(Folder.File("cache"), key, file);
        var bytes = File.ReadAllBytes(damaged);
        if (cut) bytes = bytes[..(bytes.Length / 2)];
        else bytes.AsSpan(bytes.Length / 3, 8).Fill((byte)'{');
        File.WriteAllBytes(damaged, bytes);
        using var again = Open(path).Store;
        Assert.True(again.Built);
        Assert.Equal(50, again.Items);
    }

    [Fact]
    public void A_cancelled_build_leaves_nothing_behind()
    {
        var path = Rows("rows.jsonl", 2000);
        using var cancel = new CancellationTokenSource();
        var progress = new Immediate(_ => cancel.Cancel());
        Assert.ThrowsAny<OperationCanceledException>(
            () => TokenStore.Open(new(Folder.File("cache"), [path], Encoder(out _), RowKind.Messages), progress, cancel.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Folder.File("cache")));
    }

    [Fact]
    public void What_a_killed_build_left_is_removed_by_the_next_one()
    {
        var part = Folder.File($"cache/.abc.123{AtomicFile.PartSuffix}");
        Directory.CreateDirectory(part);
        File.WriteAllText(Path.Combine(part, "lock"), "");
        Open(Rows("rows.jsonl", 2)).Store.Dispose();
        Assert.False(Directory.Exists(part));
    }

    [Fact]
    public void What_a_build_left_between_its_lock_and_its_name_is_removed_once_it_is_old()
    {
        var (young, old) = (Folder.File($"cache/.abc.1{AtomicFile.PartSuffix}"), Folder.File($"cache/.abc.2{AtomicFile.PartSuffix}"));
        Directory.CreateDirectory(young);
        Directory.CreateDirectory(old);
        Directory.SetLastWriteTimeUtc(old, DateTime.UtcNow - AtomicFile.LeftoverAge);
        Open(Rows("rows.jsonl", 2)).Store.Dispose();
        Assert.Equal((true, false), (Directory.Exists(young), Directory.Exists(old)));
    }

    [Fact]
    public void A_sound_store_that_another_process_puts_there_meanwhile_is_left_alone()
    {
        var path = Rows("rows.jsonl", 50);
        var request = new TokenStoreRequest(Folder.File("cache"), [path], Encoder(out _), RowKind.Messages);
        TokenStore? other = null;
        var progress = new Immediate(_ =>
        {
            other = TokenStore.Open(request);
            File.WriteAllText(Path.Combine(Folder.File("cache"), other.Key, "mark"), "");
        });
        using var store = TokenStore.Open(request, progress);
        using (other) AssertSameContent(other!, store);
        Assert.True(File.Exists(Path.Combine(Folder.File("cache"), store.Key, "mark")));
        Assert.Single(Directory.EnumerateFileSystemEntries(Folder.File("cache")));
    }

    [Fact]
    public void A_cache_that_cannot_be_written_and_a_missing_file_are_bad_input()
    {
        var path = Rows("rows.jsonl", 1);
        Assert.Contains("data.cache", Assert.Throws<BadInputException>(
            () => TokenStore.Open(new(path, [path], Encoder(out _), RowKind.Messages))).Fix);
        Assert.Equal("none", Assert.Throws<BadInputException>(
            () => TokenStore.Open(new(Folder.File("cache"), ["none"], Encoder(out _), RowKind.Messages))).Where);
    }

    private sealed class Immediate(Action<StoreProgress> act) : IProgress<StoreProgress>
    {
        public void Report(StoreProgress value) => act(value);
    }
}
