namespace Tulu2.Evaluation.Benchmarks;

/// <summary>Reads a benchmark's items as an evaluation takes them. Who plans and who scores must see the same ones.</summary>
public static class BenchmarkReading
{
    /// <summary>
    /// All items, or as many as <see cref="BenchmarkOptions.Limit"/>, spread evenly over all: parts of a benchmark stay in proportion. With
    /// <see cref="BenchmarkOptions.SkipLong"/>, those whose first question does not fit into the model's context are left out.
    /// </summary>
    /// <exception cref="Files.BadInputException">As <see cref="IBenchmark.Read"/>; or no item is left.</exception>
    public static BenchmarkItems<BenchmarkItem> ReadWithin(this IBenchmark benchmark, BenchmarkInput input)
    {
        var read = benchmark.Read(input);
        if (input is { Options.SkipLong: true, Prompts: not null } && !read.AreWithinContext)
        {
            var room = new PromptRoom(input.Prompts);
            var fitting = PromptItems.Of(input, read.Items, item => item.Location, item => item, item => room.Holds(benchmark.Next(item, [])));
            read = fitting with { LeftOut = [.. read.LeftOut, .. fitting.LeftOut] };
        }
        return input.Options.Limit is { } limit && limit < read.Items.Count
            ? read with { Items = [.. Enumerable.Range(0, limit).Select(index => read.Items[(int)((long)index * read.Items.Count / limit)])] }
            : read;
    }
}
