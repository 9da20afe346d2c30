using Tulu2.Hub.Fetching;
using Tulu2.Hub.Http;
using Tulu2.Hub.Layout;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;
using Tulu2.Tests.Data;
using Tulu2.Tests.Hub.Server;

namespace Tulu2.Tests.Hub;

/// <summary>A loopback hub, a cache of a test's own, and a clock on which nothing is waited for.</summary>
internal sealed class FetchFixture : IDisposable
{
    public const string Model = "models/org/small", Commit = "0123456789012345678901234567890123456789",
        NextCommit = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

    private readonly TemporaryFolder _folder = new();

    public LoopbackHub Hub { get; } = new();

    /// <summary>What was said.</summary>
    public List<string> Said { get; } = [];

    /// <summary>What would have been waited for.</summary>
    public List<TimeSpan> Waits { get; } = [];

    public string Cache => _folder.File("hub");

    public HubSettings Settings => new() { Endpoint = Hub.Endpoint, CacheDirectory = Cache, Patience = TimeSpan.FromSeconds(20) };

    public static HubReference Reference { get; } = HubReference.ParseName("org/small", RepositoryKind.Model);

    public HubTiming Timing => new()
    {
        Delay = async (wait, cancellation) =>
        {
            lock (Waits) Waits.Add(wait);
            cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        },
        Spread = () => 0.5,
    };

    public void PutModel(params (string Name, HubFile File)[] files) =>
        Hub.Put(Model, Commit, files.ToDictionary(file => file.Name, file => file.File));

    public async Task<FetchResult> FetchAsync(HubSettings? settings = null, FetchRequest? request = null, int pieceBytes = 1000, int connections = 4)
    {
        using var fetcher = new HubFetcher(settings ?? Settings, new FetchOptions { Connections = connections, PieceBytes = pieceBytes, Timing = Timing }, Say);
        return await fetcher.FetchAsync(request ?? All, _ => { }, CancellationToken.None);
    }

    public static FetchRequest All => new(Reference, names => names);

    public RepositoryFolder Folder => new(Cache, Reference);

    /// <summary>Nothing in the cache is wrong: a blob has the content of its name, and a file of a snapshot that of the commit.</summary>
    public void AssertNothingIsWrong()
    {
        if (Directory.Exists(Folder.Blobs))
            foreach (var blob in Directory.GetFiles(Folder.Blobs).Where(path => !path.EndsWith(".incomplete", StringComparison.Ordinal)))
                Xunit.Assert.True(Tulu2.Hub.Downloads.ContentCheck.Matches(blob, Path.GetFileName(blob)), blob);
        foreach (var (key, files) in Hub.Commits)
        {
            var snapshot = Folder.Snapshot(key.Split('@')[1]);
            if (!Directory.Exists(snapshot)) continue;
            foreach (var path in Directory.GetFiles(snapshot, "*", SearchOption.AllDirectories))
                Xunit.Assert.Equal(files[Path.GetRelativePath(snapshot, path)].Content, File.ReadAllBytes(path));
        }
    }

    public void AssertAllIsThere(FetchResult result)
    {
        foreach (var (name, file) in Hub.Commits[$"{Model}@{result.Commit}"]) Xunit.Assert.Equal(file.Content, File.ReadAllBytes(result.PathOf(name)));
        AssertNothingIsWrong();
    }

    public void Dispose()
    {
        Hub.Dispose();
        _folder.Dispose();
    }

    private void Say(string text)
    {
        lock (Said) Said.Add(text);
    }
}
