using Tulu2.Files;
using Tulu2.Hub.Fetching;
using Tulu2.Hub.Layout;
using Tulu2.Hub.References;
using Tulu2.Tests.Hub.Server;
using Xunit;

namespace Tulu2.Tests.Hub;

public sealed class FetchTests : IDisposable
{
    private readonly FetchFixture _fetch = new();

    public void Dispose() => _fetch.Dispose();

    private static Func<HubRequest, Fault?> Once(Func<HubRequest, bool> where, Fault fault)
    {
        var given = 0;
        return request => where(request) && Interlocked.Exchange(ref given, 1) == 0 ? fault : null;
    }

    private Task<HubFile> PutLargeAsync(int length = 10_000)
    {
        var file = HubFile.Random(1, length, isLarge: true);
        _fetch.PutModel(("config.json", HubFile.Text("{}")), ("sub/empty", HubFile.Text("")), ("model.safetensors", file));
        return Task.FromResult(file);
    }

    [Fact]
    public async Task A_repository_lies_in_the_cache_as_the_ecosystem_lays_it()
    {
        var file = await PutLargeAsync();
        var result = await _fetch.FetchAsync();
        _fetch.AssertAllIsThere(result);
        var root = Path.Combine(_fetch.Cache, "models--org--small");
        Assert.Equal(FetchFixture.Commit, File.ReadAllText(Path.Combine(root, "refs", "main")));
        Assert.Equal($"../../blobs/{file.Etag}", new FileInfo(Path.Combine(root, "snapshots", FetchFixture.Commit, "model.safetensors")).LinkTarget);
        Assert.Equal("../../../blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", new FileInfo(Path.Combine(result.Directory, "sub", "empty")).LinkTarget);
        Assert.Equal(3, Directory.GetFiles(Path.Combine(root, "blobs")).Length);
        Assert.Equal((10_002, 10_002), (result.Bytes, result.FetchedBytes));
    }

    [Fact]
    public async Task What_is_there_is_not_fetched_again_and_a_commit_needs_no_network()
    {
        await PutLargeAsync();
        await _fetch.FetchAsync();
        _fetch.Hub.Requests.Clear();
        Assert.Equal(0, (await _fetch.FetchAsync()).FetchedBytes);
        Assert.StartsWith("/api/models/org/small/revision/main", Assert.Single(_fetch.Hub.Requests).Path);
        _fetch.Hub.Requests.Clear();
        await _fetch.FetchAsync(request: FetchFixture.All with { Commit = FetchFixture.Commit });
        await _fetch.FetchAsync(_fetch.Settings with { IsOffline = true });
        Assert.Empty(_fetch.Hub.Requests);
    }

    [Fact]
    public async Task A_new_revision_fetches_only_what_changed_and_the_old_one_stays()
    {
        var file = await PutLargeAsync();
        await _fetch.FetchAsync();
        _fetch.Hub.Put(FetchFixture.Model, FetchFixture.NextCommit, new() { ["config.json"] = HubFile.Text("{ }"), ["model.safetensors"] = file });
        var next = await _fetch.FetchAsync();
        Assert.Equal((FetchFixture.NextCommit, 3L), (next.Commit, next.FetchedBytes));
        _fetch.AssertAllIsThere(next);
        Assert.Equal(FetchFixture.Commit, (await _fetch.FetchAsync(request: FetchFixture.All with { Commit = FetchFixture.Commit })).Commit);
        Assert.Equal(FetchFixture.NextCommit, File.ReadAllText(_fetch.Folder.Ref("main")));
    }

    [Fact]
    public async Task A_revision_that_moves_during_a_fetch_does_not_mix_two_commits()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = request =>
        {
            if (request.Method == "HEAD") _fetch.Hub.Put(FetchFixture.Model, FetchFixture.NextCommit, new() { ["config.json"] = HubFile.Text("other") });
            return null;
        };
        var result = await _fetch.FetchAsync();
        Assert.Equal(FetchFixture.Commit, result.Commit);
        _fetch.AssertAllIsThere(result);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_address()
    {
        await PutLargeAsync();
        _fetch.AssertAllIsThere(await _fetch.FetchAsync(_fetch.Settings with { Token = "hf_secret" }));
        Assert.All(_fetch.Hub.Requests, request => Assert.Equal(request.IsContent ? null : "Bearer hf_secret", request.Token));
        Assert.Contains(_fetch.Hub.Requests, request => request.IsContent);
    }

    [Fact]
    public async Task A_large_file_is_fetched_in_pieces_by_the_address_that_the_hub_led_to()
    {
        await PutLargeAsync();
        await _fetch.FetchAsync();
        var pieces = _fetch.Hub.Requests.Where(request => request.IsContent).ToList();
        Assert.Equal(Enumerable.Range(0, 10).Select(piece => (piece * 1000L, piece * 1000L + 1000)), pieces.Select(request => request.Range!.Value).Order());
        Assert.InRange(_fetch.Hub.Requests.Count(request => !request.IsContent && request.Method == "GET" && request.Path.Contains("model.safetensors")), 1, 4);
    }

    [Fact]
    public async Task A_broken_connection_is_gone_on_with_where_it_broke()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = Once(request => request.IsContent && request.Range?.From == 3000, new Fault.Break(400));
        _fetch.AssertAllIsThere(await _fetch.FetchAsync());
        Assert.Contains(_fetch.Hub.Requests, request => request.Range is { From: > 3000 and <= 3400, To: 4000 });
    }

    [Fact]
    public async Task A_killed_fetch_is_gone_on_with_where_it_was()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = request => request.IsContent && request.Range?.From >= 5000 ? new Fault.NoAnswer() : null;
        await Assert.ThrowsAsync<Tulu2.Hub.HubException>(() => _fetch.FetchAsync(connections: 1));
        Assert.Equal(5000, new FileInfo(Directory.GetFiles(_fetch.Folder.Blobs, "*.incomplete").Single()).Length);
        _fetch.AssertNothingIsWrong();
        _fetch.Hub.FaultOf = _ => null;
        _fetch.Hub.Requests.Clear();
        var result = await _fetch.FetchAsync();
        _fetch.AssertAllIsThere(result);
        Assert.Equal(5000, result.FetchedBytes);
        Assert.Equal(5000, _fetch.Hub.Requests.Where(request => request.IsContent).Min(request => request.Range!.Value.From));
        Assert.Empty(Directory.GetFiles(_fetch.Folder.Blobs, "*.incomplete"));
    }

    [Fact]
    public async Task A_beginning_that_is_wrong_is_thrown_away()
    {
        var file = await PutLargeAsync();
        Directory.CreateDirectory(_fetch.Folder.Blobs);
        File.WriteAllBytes(_fetch.Folder.Incomplete(file.Etag), new byte[4321]);
        _fetch.AssertAllIsThere(await _fetch.FetchAsync());
        Assert.Contains(_fetch.Said, line => line.Contains("wrong hash"));
        File.Delete(_fetch.Folder.Blob(file.Etag));
        File.WriteAllBytes(_fetch.Folder.Incomplete(file.Etag), new byte[20_000]);
        _fetch.AssertAllIsThere(await _fetch.FetchAsync());
    }

    [Fact]
    public async Task A_blob_of_another_length_is_fetched_again_and_a_damaged_one_when_it_is_asked_for()
    {
        var file = await PutLargeAsync();
        Directory.CreateDirectory(_fetch.Folder.Blobs);
        File.WriteAllBytes(_fetch.Folder.Blob(file.Etag), file.Content[..100]);
        _fetch.AssertAllIsThere(await _fetch.FetchAsync());
        File.WriteAllBytes(_fetch.Folder.Blob(file.Etag), new byte[10_000]);
        _fetch.AssertAllIsThere(await _fetch.FetchAsync(request: FetchFixture.All with { Verify = true }));
    }

    [Fact]
    public async Task A_server_that_gives_no_parts_is_read_from_the_beginning()
    {
        await PutLargeAsync();
        var breaks = 0;
        _fetch.Hub.FaultOf = request => !request.IsContent ? null : request.Range is null && Interlocked.Increment(ref breaks) < 4
            ? new Fault.Break(2500 * breaks) : new Fault.NoRange();
        _fetch.AssertAllIsThere(await _fetch.FetchAsync());
    }

    public static TheoryData<string> Faults => new("break", "silence", "corrupt", "429", "503", "500", "short", "long", "other range", "page", "expired",
        "416", "loop");

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task One_fault_of_each_kind_at_each_place_is_got_over(string name)
    {
        await PutLargeAsync();
        Fault fault = name switch
        {
            "break" => new Fault.Break(7),
            "silence" => new Fault.NoAnswer(),
            "corrupt" => new Fault.Corrupt(77),
            "429" => new Fault.Status(429, "Retry-After: 33"),
            "503" => new Fault.Status(503),
            "500" => new Fault.Status(500),
            "short" => new Fault.WrongLength(-1),
            "long" => new Fault.WrongLength(5),
            "other range" => new Fault.OtherRange(),
            "page" => new Fault.Page(),
            "expired" => new Fault.Status(403, "", "signature expired"),
            "416" => new Fault.Status(416),
            _ => new Fault.Status(302, "Location: ?round"),
        };
        // From the hub itself they are no faults.
        var isForContent = name is "expired" or "416";
        var places = new HashSet<string>();
        _fetch.Hub.FaultOf = request =>
        {
            if (isForContent && !request.IsContent) return null;
            lock (places) return places.Add($"{request.Method} {request.Path} {request.Range?.From}") ? fault : null;
        };
        // A corrupted list names no other files: it is checked by what follows from it, and is left out here.
        if (name == "corrupt") places.Add("GET /api/models/org/small/revision/main ");
        if (name == "corrupt") _fetch.Hub.FaultOf = Once(request => request.Method == "GET" && !request.Path.StartsWith("/api"), fault);
        var rounds = 0;
        if (name == "loop") _fetch.Hub.FaultOf = request => request.IsContent && Interlocked.Increment(ref rounds) < 20 ? fault : null;
        _fetch.AssertAllIsThere(await _fetch.FetchAsync());
        if (name == "429") Assert.Contains(TimeSpan.FromSeconds(33), _fetch.Waits);
    }

    [Fact]
    public async Task A_connection_that_stands_still_counts_as_broken()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = Once(request => request.IsContent, new Fault.Stall(10));
        _fetch.AssertAllIsThere(await _fetch.FetchAsync(_fetch.Settings with { Patience = TimeSpan.FromMilliseconds(300) }));
    }

    [Fact]
    public async Task A_server_that_always_fails_is_given_up_and_what_came_is_kept()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = request => request.IsContent ? new Fault.Status(503) : null;
        var failed = await Assert.ThrowsAsync<Tulu2.Hub.HubException>(() => _fetch.FetchAsync());
        Assert.Contains("8 tries in a row", failed.What);
        Assert.Contains("model.safetensors", failed.Where);
        _fetch.AssertNothingIsWrong();
        Assert.False(File.Exists(_fetch.Folder.Ref("main")));
        // Offline the part is not taken for all.
        var pinned = FetchFixture.All with { Commit = FetchFixture.Commit };
        Assert.Contains("model.safetensors",
            (await Assert.ThrowsAsync<BadInputException>(() => _fetch.FetchAsync(_fetch.Settings with { IsOffline = true }, pinned))).Where);
    }

    [Fact]
    public async Task Content_that_never_has_its_hash_is_given_up()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = request => request.IsContent ? new Fault.Corrupt(3) : null;
        Assert.Contains("without the hash", (await Assert.ThrowsAsync<Tulu2.Hub.HubException>(() => _fetch.FetchAsync())).What);
        _fetch.AssertNothingIsWrong();
        Assert.Null(new RepositoryCache(_fetch.Cache, FetchFixture.Reference).Find(FetchFixture.Commit, "model.safetensors"));
    }

    [Fact]
    public async Task A_wait_that_is_too_long_is_said_and_not_waited_for()
    {
        await PutLargeAsync();
        _fetch.Hub.FaultOf = _ => new Fault.Status(429, "Retry-After: 7200");
        Assert.Contains("asks to wait for 2 h 00 min", (await Assert.ThrowsAsync<Tulu2.Hub.HubException>(() => _fetch.FetchAsync())).What);
        Assert.Empty(_fetch.Waits);
    }

    [Fact]
    public async Task Names_that_lead_out_of_the_cache_are_refused()
    {
        _fetch.PutModel(("../../../outside", HubFile.Text("x")));
        Assert.Contains("not that of a hub", (await Assert.ThrowsAsync<Tulu2.Hub.HubException>(() => _fetch.FetchAsync())).What);
    }

    [Theory]
    [InlineData("org/missing", "there is no such repository")]
    [InlineData("org/small@v9", "there is no revision 'v9'")]
    public async Task What_the_hub_does_not_have_is_said(string name, string what)
    {
        await PutLargeAsync();
        var request = new FetchRequest(HubReference.ParseName(name, RepositoryKind.Model), names => names);
        Assert.Contains(what, (await Assert.ThrowsAsync<BadInputException>(() => _fetch.FetchAsync(request: request))).What);
    }

    [Fact]
    public async Task Offline_a_missing_one_is_one_sentence()
    {
        await PutLargeAsync();
        var offline = _fetch.Settings with { IsOffline = true };
        var missing = await Assert.ThrowsAsync<BadInputException>(() => _fetch.FetchAsync(offline));
        Assert.Equal("hf://org/small: is not in the cache, and HF_HUB_OFFLINE forbids to fetch it", missing.Message);
        Assert.Contains("`tulu2 model fetch org/small`", missing.Fix);
        Assert.Empty(_fetch.Hub.Requests);
        await _fetch.FetchAsync(request: FetchFixture.All with { Select = names => [.. names.Where(name => name == "config.json")] });
        Assert.StartsWith("hf://org/small/sub/empty: is not in the cache (nor 1 other file), and",
            (await Assert.ThrowsAsync<BadInputException>(() => _fetch.FetchAsync(offline))).Message);
    }

    [Fact]
    public async Task A_hub_that_cannot_be_reached_leaves_what_the_cache_has()
    {
        await PutLargeAsync();
        var result = await _fetch.FetchAsync();
        _fetch.Hub.Dispose();
        Assert.Equal(result.Commit, (await _fetch.FetchAsync()).Commit);
        Assert.Contains(_fetch.Said, line => line.Contains("using commit 0123"));
    }

    [Fact]
    public async Task What_other_programs_fetched_is_found()
    {
        Directory.CreateDirectory(_fetch.Folder.Snapshot(FetchFixture.Commit));
        File.WriteAllText(Path.Combine(_fetch.Folder.Snapshot(FetchFixture.Commit), "config.json"), "{}");
        AtomicFile.WriteAllText(_fetch.Folder.Ref("main"), FetchFixture.Commit);
        var result = await _fetch.FetchAsync(_fetch.Settings with { IsOffline = true });
        Assert.Equal(["config.json"], result.Files);
        AtomicFile.WriteAllText(_fetch.Folder.Tree(FetchFixture.Commit), """{"format_version": 1, "files": {"config.json": {"size": 2, "blob_id": "x"}, "model.safetensors": {"size": 1, "blob_id": "y"}}}""");
        await Assert.ThrowsAsync<BadInputException>(() => _fetch.FetchAsync(_fetch.Settings with { IsOffline = true }));
    }

    [Fact]
    public async Task Several_fetches_at_once_end_with_one_whole_copy()
    {
        await PutLargeAsync(100_000);
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => _fetch.FetchAsync(pieceBytes: 5000))));
        foreach (var result in results) _fetch.AssertAllIsThere(result);
        Assert.Single(results, result => result.FetchedBytes >= 100_000);
        Assert.Equal(20, _fetch.Hub.Requests.Count(request => request.IsContent));
    }

    [Fact]
    public async Task A_cancelled_fetch_ends_and_keeps_what_came()
    {
        await PutLargeAsync();
        using var stop = new CancellationTokenSource();
        _fetch.Hub.FaultOf = request =>
        {
            if (request.Range?.From == 5000) stop.Cancel();
            return null;
        };
        using var fetcher = new HubFetcher(_fetch.Settings, new FetchOptions { Connections = 1, PieceBytes = 1000, Timing = _fetch.Timing }, _ => { });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetcher.FetchAsync(FetchFixture.All, _ => { }, stop.Token));
        _fetch.AssertNothingIsWrong();
        Assert.Equal(5000, new FileInfo(Directory.GetFiles(_fetch.Folder.Blobs, "*.incomplete").Single()).Length);
    }
}
