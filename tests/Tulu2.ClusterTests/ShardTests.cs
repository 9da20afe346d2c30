using System.Net.Http.Json;
using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Models that several processes hold between them: generation, evaluation and a server, whose processes are killed.</summary>
public sealed class ShardTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_model_in_several_processes_gives_the_answers_and_scores_of_one_while_they_are_killed()
    {
        using var small = await SmallRun.CreateAsync();
        var model = await TrainAsync(small, "bf16");

        string[] generate = ["generate", "--model", model, "--prompt", "What is 3 plus 4?", "--max-tokens", "60", "--temperature", "0"];
        Assert.Equal(await TextAsync(generate), await TextAsync([.. generate, "--tensor", "2"]));
        var (refused, _, why) = await TuluProcess.RunAsync(small.Cache, [.. generate, "--tensor", "64"]);
        Assert.True(refused == 2 && why.Contains("key-value head", StringComparison.Ordinal), why);

        string[] eval = ["eval", "rows", "--model", model, "--data", small.Folder("rows.jsonl"), "--evaluators", "1"];
        var whole = await TuluProcess.RunJsonAsync(small.Cache, eval);
        using (var process = TuluProcess.Start(small.Cache, [.. eval, "--tensor", "2", "--json"]))
        {
            var evaluator = 0;
            Assert.True(await Children.WaitAsync(() => Shards(evaluator = Children.Of(process.Id, "evaluator").FirstOrDefault()).Length > 0, Patience), process.Errors);
            Children.Send(Shards(evaluator)[0], Children.SignalKill);
            Assert.True(await process.WaitForExitAsync(Patience) == 0, process.Output + process.Errors);
            Assert.Equal(whole.GetProperty("score").GetRawText(), process.LastJson().GetProperty("score").GetRawText());
        }

        using var server = TuluProcess.Start(small.Cache, "serve", "--model", model, "--port", "0", "--threads", "1", "--tensor", "2", "--json");
        Assert.True(await Children.WaitAsync(() => server.Output.Contains("\"url\"", StringComparison.Ordinal) || server.HasExited, Patience), server.Errors);
        using var client = new HttpClient { BaseAddress = new Uri(server.LastJson().GetProperty("url").GetString()!), Timeout = Patience };
        var alone = await AskAsync(client, model);
        for (var killed = 1; killed <= 3; killed++)
        {
            var asked = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AskAsync(client, model)));
            Children.Send(Shards(server.Id)[0], Children.SignalKill);
            Assert.All(await asked.WaitAsync(Patience), answer => Assert.Equal(alone, answer));
            // A kill that came after the last answer shows with the next one.
            Assert.Equal(alone, await AskAsync(client, model));
            Assert.True(await Children.WaitAsync(() => server.Errors.Split("is started again").Length > killed, Patience), server.Errors);
        }
        log.WriteLine(server.Errors);
        var left = Shards(server.Id);
        server.KillAlone();
        Assert.True(await Children.WaitAsync(() => !left.Any(Children.IsAlive), Patience), "processes are left behind");

        async Task<string> TextAsync(string[] arguments) => (await TuluProcess.RunJsonAsync(small.Cache, arguments)).GetProperty("text").GetString()!;

        static int[] Shards(int parent) => parent == 0 ? [] : Children.Of(parent, "shard");
    }

    [Fact]
    public async Task A_part_of_a_model_may_lie_with_a_server_which_is_killed_and_started_again()
    {
        using var small = await SmallRun.CreateAsync();
        var model = await TrainAsync(small, "fp32");
        File.WriteAllText(small.Folder("key"), "a key that is long enough\n");
        var address = $"127.0.0.1:{20000 + Environment.ProcessId % 10000}";
        string[] generate = ["generate", "--model", model, "--prompt", "What is 3 plus 4?", "--max-tokens", "60", "--temperature", "0", "--shard-server", address, "--shard-key-file"];
        string[] serve = ["serve", "--model", model, "--port", "0", "--threads", "1", "--shard-server", address, "--shard-key-file", small.Folder("key"), "--json"];
        var alone = await TuluProcess.RunJsonAsync(small.Cache, generate[..^3]);

        using var first = Shard();
        Assert.True(await Children.WaitAsync(() => first.Errors.Contains("waiting at", StringComparison.Ordinal) || first.HasExited, Patience), first.Errors);
        foreach (var _ in new[] { 1, 2 })
            Assert.Equal(alone.GetProperty("text").GetString(), (await TuluProcess.RunJsonAsync(small.Cache, [.. generate, small.Folder("key")])).GetProperty("text").GetString());

        using var server = TuluProcess.Start(small.Cache, serve);
        Assert.True(await Children.WaitAsync(() => server.Output.Contains("\"url\"", StringComparison.Ordinal) || server.HasExited, Patience), server.Errors);
        using var client = new HttpClient { BaseAddress = new Uri(server.LastJson().GetProperty("url").GetString()!), Timeout = Patience };
        var answer = await AskAsync(client, model);
        var asked = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AskAsync(client, model)));
        first.KillAlone();
        using var second = Shard();
        Assert.All(await asked.WaitAsync(Patience), other => Assert.Equal(answer, other));
        Assert.Equal(answer, await AskAsync(client, model));
        Assert.Contains("is asked for", second.Errors, StringComparison.Ordinal);
        log.WriteLine(server.Errors + second.Errors);

        TuluProcess Shard() => TuluProcess.Start(small.Cache, "shard", "--listen", address, "--key-file", small.Folder("key"));
    }

    private static async Task<string> TrainAsync(SmallRun small, string precision)
    {
        await TuluProcess.RunJsonAsync(small.Cache, "train", small.Recipe("sft", precision, 4, checkpointEvery: 0), "--run", small.Folder("one"));
        return small.Folder("one/exports/final");
    }

    private static async Task<string> AskAsync(HttpClient client, string model)
    {
        using var response = await client.PostAsJsonAsync("/v1/completions", new { model, prompt = "What is 5 plus 6?", max_tokens = 80, temperature = 1, seed = 3 });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("choices")[0].GetProperty("text").GetString()!;
    }
}
