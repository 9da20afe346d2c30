using Tulu2.Collectives.InProcess;
using Tulu2.Models.Inference;

namespace Tulu2.Tests.Models.Inference;

/// <summary>Runs sequences through an inference model.</summary>
internal static class InferenceRun
{
    /// <summary>Logits after every token of a sequence, computed alone and at once.</summary>
    public static float[] Alone(InferenceModel model, int[] ids) => Together(model, [ids], new Random(0), chunk: int.MaxValue, threads: 1)[0];

    /// <summary>The same for several sequences: each pass takes the next tokens of some of them, as many as are drawn; pages are in any order.</summary>
    public static float[][] Together(InferenceModel model, int[][] sequences, Random random, int chunk, int threads, ShardGroup? group = null)
    {
        var vocabulary = model.Shard.Rank > 0 ? 0 : model.Config.VocabularySize;
        var count = sequences.Sum(ids => (ids.Length + KeyValuePages.Tokens - 1) / KeyValuePages.Tokens);
        using var pages = new KeyValuePages(model.Local, count);
        using var pass = new InferencePass(model, pages, threads, group);
        var free = Enumerable.Range(0, count).ToArray();
        if (chunk < int.MaxValue) random.Shuffle(free);
        var next = 0;
        int[][] own = [.. sequences.Select(ids => free[next..(next += (ids.Length + KeyValuePages.Tokens - 1) / KeyValuePages.Tokens)])];
        float[][] logits = [.. sequences.Select(ids => new float[ids.Length * vocabulary])];
        var done = new int[sequences.Length];
        while (Enumerable.Range(0, sequences.Length).Where(s => done[s] < sequences[s].Length).ToArray() is { Length: > 0 } left)
        {
            var chosen = chunk == int.MaxValue ? left : [.. left.Where(_ => random.Next(3) > 0)];
            if (chosen.Length == 0) continue;
            var parts = chosen.Select(s => new SequencePart(
                sequences[s].AsMemory(done[s], Math.Min(sequences[s].Length - done[s], chunk == int.MaxValue ? chunk : random.Next(1, chunk + 1))), done[s],
                    own[s])).ToList();
            pass.Run(parts);
            var rows = parts.Sum(part => part.Ids.Length);
            var all = new float[rows * vocabulary];
            pass.Logits([.. Enumerable.Range(0, rows)], all);
            var row = 0;
            foreach (var (s, part) in chosen.Zip(parts))
            {
                all.AsSpan(row * vocabulary, part.Ids.Length * vocabulary).CopyTo(logits[s].AsSpan(done[s] * vocabulary));
                row += part.Ids.Length;
                done[s] += part.Ids.Length;
            }
        }
        return logits;
    }

    /// <summary>The same with a model in shards, each on a thread of its own in the place of a process.</summary>
    /// <param name="load">Loads a shard; it is disposed of here.</param>
    /// <param name="seed">Of the passes and pages, which are the same for all.</param>
    public static float[][] Sharded(Func<InferenceShard, InferenceModel> load, int shards, int[][] sequences, int seed, int chunk, int threads)
    {
        var plane = new InProcessDataPlane();
        var logits = new float[shards][][];
        var faults = new Exception?[shards];
        // A thread each, for they wait for each other.
        Thread[] all = [.. Enumerable.Range(0, shards).Select(rank => new Thread(() =>
        {
            using var collective = plane.Join(1, rank, shards);
            try
            {
                using var model = load(new InferenceShard(rank, shards));
                logits[rank] = Together(model, sequences, new Random(seed), chunk, threads, new ShardGroup(collective, TimeSpan.FromMinutes(2)));
                // Whoever leaves takes what it has sent with it.
                collective.Barrier(TimeSpan.FromMinutes(2));
            }
            catch (Exception fault)
            {
                faults[rank] = fault;
                collective.Abort(fault.Message);
            }
        }))];
        foreach (var thread in all) thread.Start();
        foreach (var thread in all) thread.Join();
        return faults.OfType<Exception>().ToArray() is { Length: > 0 } thrown ? throw new AggregateException(thrown) : logits[0];
    }

    public static int[] Ids(Random random, int count, int vocabulary) => [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
}
