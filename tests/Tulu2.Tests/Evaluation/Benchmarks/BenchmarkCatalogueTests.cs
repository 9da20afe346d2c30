using System.Text.RegularExpressions;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

/// <summary>A benchmark is found because it is there; nothing lists it.</summary>
public partial class BenchmarkCatalogueTests
{
    [Fact]
    public void Every_benchmark_is_found_by_its_name_and_stands_in_its_own_folder()
    {
        Assert.Subset(BenchmarkCatalogue.All.Select(benchmark => benchmark.Name).ToHashSet(), new HashSet<string> { "exact_match", "preference" });
        Assert.Distinct(BenchmarkCatalogue.All.Select(benchmark => benchmark.Name));
        Assert.All(BenchmarkCatalogue.All, benchmark =>
        {
            Assert.Same(benchmark, BenchmarkCatalogue.Named(benchmark.Name));
            Assert.Equal($"{benchmark.GetType().Namespace}", $"Tulu2.Evaluation.Benchmarks.{benchmark.GetType().Name.Replace("Benchmark", "", StringComparison.Ordinal)}");
        });
    }

    [Fact]
    public void A_class_of_an_assembly_is_found_without_being_listed() =>
        Assert.Equal("toy", Assert.Single(BenchmarkCatalogue.Find(typeof(Toy).Assembly), benchmark => benchmark is Toy).Name);

    [Theory]
    [InlineData(RowKind.Messages, "exact_match")]
    [InlineData(RowKind.Preferences, "preference")]
    public void A_row_file_has_one_benchmark(RowKind rows, string name) => Assert.Equal(name, BenchmarkCatalogue.For(rows).Name);

    [Fact]
    public void No_source_outside_its_folder_names_a_benchmark()
    {
        var named = Checkout.Sources("src")
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}Benchmarks{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                && Name().IsMatch(File.ReadAllText(file)));
        Assert.Empty(named);
    }

    [Fact]
    public void No_benchmark_sees_a_model()
    {
        var folders = new[] { "Requests", "Tasks", "Benchmarks", "Reporting" }.Select(folder => Checkout.Path($"src/Tulu2.Evaluation/{folder}"));
        var seeing = folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)).Where(file => Model().IsMatch(File.ReadAllText(file)));
        Assert.Empty(seeing);
    }

    // Objectives, recipes and plans are words and numbers, which reports show.
    [GeneratedRegex("using (static )?(TorchSharp|Tulu2\\.(Models|Training(?!\\.(Objectives|Planning|Recipes))|Evaluation\\.Generation))")]
    private static partial Regex Model();

    [GeneratedRegex("\"(exact_match|preference)\"|ExactMatchBenchmark|PreferenceBenchmark")]
    private static partial Regex Name();

    public sealed class Toy : Benchmark<Toy.Item>
    {
        public sealed record Item(string Id) : BenchmarkItem(Id, "", "");

        public override string Name => "toy";
        public override ScoreUnit Unit => new("of 10", 1, 2);
        public override bool IsJudged => true;
        public override BenchmarkItems<Item> Read(BenchmarkInput input) => new([new Item("one"), new Item("two"), new Item("three")], []);

        // A second question depends on the first answer, a verdict on both.
        public override ModelRequest? Next(Item item, IReadOnlyList<ModelAnswer> answers) => answers.Count switch
        {
            0 => Ask($"first of {item.Id}"),
            1 when ((ModelAnswer.Text)answers[0]).Value == "more" => Ask($"second of {item.Id}"),
            _ when answers[^1] is ModelAnswer.Text { Value: "8" or "9" } => null,
            _ => new ModelRequest.Judge([new Message(Message.User, string.Join('+', answers.OfType<ModelAnswer.Text>().Select(answer => answer.Value)))]),
        };

        public override ItemResult Score(Item item, IReadOnlyList<ModelAnswer> answers) => new(double.Parse(((ModelAnswer.Text)answers[^1]).Value));

        private static ModelRequest.Generate Ask(string prompt) => new([new Message(Message.User, prompt)], GenerationOptions.Greedy);
    }

    [SkippableTheory]
    [MemberData(nameof(WithFolders))]
    public void The_authors_files_have_all_published_items(string name)
    {
        var benchmark = BenchmarkCatalogue.Named(name);
        var folder = ReferenceData.Require(benchmark.Folder!);
        foreach (var mode in Enum.GetValues<EvaluationMode>())
            Assert.True(benchmark.PublishedItems(mode) is not { } published || benchmark.Read(new BenchmarkInput(folder, new BenchmarkOptions { Mode = mode }, null)).Items.Count >= published);
    }

    public static TheoryData<string> WithFolders => [.. BenchmarkCatalogue.WithTaskData.Select(benchmark => benchmark.Name)];
}
