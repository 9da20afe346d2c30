using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Hub;
using Tulu2.Tests.Hub.Server;
using Xunit;

namespace Tulu2.Tests.Hub;

/// <summary>Whatever the network does, a file is whole or absent.</summary>
public class FaultStormTests
{
    private static readonly Func<Random, Fault>[] Kinds =
    [
        random => new Fault.Break(random.Next(1200)),
        _ => new Fault.NoAnswer(),
        random => new Fault.Corrupt(random.Next(1000)),
        random => new Fault.Status(429, $"Retry-After: {random.Next(500)}"),
        _ => new Fault.Status(503),
        _ => new Fault.Status(500),
        random => new Fault.WrongLength(random.Next(-50, 50)),
        _ => new Fault.NoRange(),
        _ => new Fault.OtherRange(),
        _ => new Fault.Page(),
        _ => new Fault.Status(403, "", "expired"),
    ];

    private static void Put(FetchFixture fetch, int files, int bytes)
    {
        fetch.PutModel([("config.json", HubFile.Text("{}")), .. Enumerable.Range(0, files).Select(file =>
            ($"part-{file}.bin", HubFile.Random(file, bytes + 77 * file, file % 3 > 0)))]);
        // Another copy of a content, in a folder.
        var all = fetch.Hub.Commits[$"{FetchFixture.Model}@{FetchFixture.Commit}"];
        all["copy/part-1.bin"] = all["part-1.bin"];
    }

    [Property(MaxTest = 8)]
    public bool Whatever_the_faults_every_file_is_whole_or_absent(int seed, byte share)
    {
        using var fetch = new FetchFixture();
        Put(fetch, files: 4, bytes: 3000);
        var random = new Random(seed);
        fetch.Hub.FaultOf = _ =>
        {
            lock (random) return random.Next(256) < share ? Kinds[random.Next(Kinds.Length)](random) : null;
        };
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                fetch.AssertAllIsThere(fetch.FetchAsync(connections: 3).GetAwaiter().GetResult());
            }
            catch (Exception refused) when (refused is HubException or BadInputException)
            {
                // Absent, then.
            }
            fetch.AssertNothingIsWrong();
        }
        fetch.Hub.FaultOf = _ => null;
        fetch.AssertAllIsThere(fetch.FetchAsync().GetAwaiter().GetResult());
        return true;
    }

    [Fact]
    public async Task Two_hundred_faults_in_one_fetch_are_got_over()
    {
        using var fetch = new FetchFixture();
        Put(fetch, files: 20, bytes: 24_000);
        var random = new Random(11);
        var (given, kinds, inARow, damaged) = (0, new Dictionary<string, int>(), new Dictionary<string, int>(), new Dictionary<string, int>());
        fetch.Hub.FaultOf = request =>
        {
            lock (random)
            {
                var place = $"{request.Method} {request.Path}";
                var fault = Kinds[random.Next(Kinds.Length)](random);
                // What no client can get over: a refusal by the hub itself, a list without names, a place that never answers, content that is always wrong.
                var isFatal = (fault is Fault.Status { Code: 403 } && !request.IsContent)
                    || (fault is Fault.Corrupt && (request.Method == "HEAD" || request.Path.StartsWith("/api")))
                    || inARow.GetValueOrDefault(place) >= 2 || (fault is Fault.Corrupt && damaged.GetValueOrDefault(place) >= 2);
                if (isFatal || given >= 260 || random.Next(5) > 2)
                {
                    inARow[place] = 0;
                    return null;
                }
                if (fault is Fault.Corrupt) damaged[place] = damaged.GetValueOrDefault(place) + 1;
                inARow[place] = inARow.GetValueOrDefault(place) + 1;
                var kind = fault is Fault.Status status ? $"{status.Code}" : fault.GetType().Name;
                kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
                given++;
                return fault;
            }
        };
        var result = await fetch.FetchAsync();
        fetch.AssertAllIsThere(result);
        Assert.True(given >= 200, $"{given} faults");
        Assert.Equal(Kinds.Length, kinds.Count);
    }
}
