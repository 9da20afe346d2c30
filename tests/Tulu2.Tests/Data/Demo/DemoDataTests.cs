using Tulu2.Data.Chat;
using Tulu2.Data.Demo;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Demo;

public sealed class DemoDataTests : IDisposable
{
    private static readonly DemoDataOptions Options = new() { SftTrain = 3000, DpoTrain = 800 };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_same_options_give_the_same_bytes_and_another_seed_gives_others()
    {
        var (first, again, other) = (Files("a", Options), Files("b", Options), Files("c", Options with { Seed = 7 }));
        foreach (var (one, two, three) in All(first).Zip(All(again), All(other)))
        {
            Assert.Equal(ContentHash.OfFile(one), ContentHash.OfFile(two));
            Assert.NotEqual(ContentHash.OfFile(one), ContentHash.OfFile(three));
        }
    }

    [Fact]
    public void No_held_out_question_is_in_any_training_file()
    {
        var files = Files("a", Options);
        var trained = Messages(files.SftTrain).Select(row => Prompt(row.Messages))
            .Concat(Pairs(files.DpoTrain).Select(pair => Prompt(pair.Chosen))).ToHashSet();
        var heldOut = Messages(files.SftHeldOut).Select(row => Prompt(row.Messages)).ToList();
        var heldOutPairs = Pairs(files.DpoHeldOut).Select(pair => Prompt(pair.Chosen)).ToList();
        Assert.Equal((Options.SftHeldOut, Options.DpoHeldOut), (heldOut.Count, heldOutPairs.Count));
        Assert.DoesNotContain(heldOut.Concat(heldOutPairs), trained.Contains);
        // A training dialogue may go on from one item to another: no held-out one may stand anywhere in it.
        var dialogues = Messages(files.SftTrain).Select(row => Whole(row.Messages)).ToList();
        Assert.DoesNotContain(Messages(files.SftHeldOut).Select(row => Whole(row.Messages)), whole => dialogues.Any(dialogue => dialogue.Contains(whole, StringComparison.Ordinal)));
        Assert.Equal(heldOut.Count, heldOut.Distinct().Count());
        Assert.Equal(heldOutPairs.Count, heldOutPairs.Distinct().Count());
    }

    [Fact]
    public void Every_kind_is_trained_and_held_out_and_names_its_rows()
    {
        var files = Files("a", Options);
        string[] kinds = ["arithmetic", "compare", "format", "identity", "multi_turn", "reverse", "sort"];
        Assert.Equal([.. kinds.Append("courtesy").Order()], Messages(files.SftTrain).Select(row => row.Dataset).Distinct().Order());
        Assert.Equal(kinds, Messages(files.SftHeldOut).Select(row => row.Dataset).Distinct().Order());
        Assert.Contains(Messages(files.SftTrain), row => row.Messages.Count == 4);
    }

    [Fact]
    public void Answers_are_right()
    {
        foreach (var row in Messages(Files("a", Options).SftTrain))
        {
            var (question, answer) = (row.Messages[^2].Content, row.Messages[^1].Content);
            var listed = question[(question.LastIndexOf(':') + 1)..].Trim();
            switch (row.Dataset)
            {
                case "arithmetic":
                    var numbers = question.Split([' ', '.', '?']).Where(word => int.TryParse(word, out _)).Select(int.Parse).ToArray();
                    var minus = question.Contains("minus") || question.StartsWith("Take", StringComparison.Ordinal);
                    Assert.Equal(minus ? Math.Abs(numbers[0] - numbers[1]) : numbers[0] + numbers[1], int.Parse(answer));
                    break;
                case "sort":
                    var sorted = listed.Split(' ').Select(int.Parse).Order();
                    Assert.Equal(question.Contains("high to low") ? sorted.Reverse() : sorted, answer.Split(' ').Select(int.Parse));
                    break;
                case "reverse":
                    Assert.Equal(listed.Split(' ').Reverse(), answer.Split(' '));
                    break;
                case "compare":
                    var pair = question.Split([' ', ',', '?']).Where(word => int.TryParse(word, out _)).Select(int.Parse).ToArray();
                    Assert.Equal(question.Contains("larger") ? pair.Max() : pair.Min(), int.Parse(answer));
                    break;
                case "format":
                    Assert.Equal(listed.Replace(" ", ""), answer.Replace(" - ", "").Replace(", ", "").Replace(" ", "").ToLowerInvariant());
                    Assert.NotEqual(listed, answer);
                    break;
                case "multi_turn":
                    Assert.Contains(answer.Split(' ')[^1].TrimEnd('.'), row.Messages[^4].Content);
                    break;
            }
        }
    }

    [Fact]
    public void Courtesies_are_mostly_casual_in_rows_and_always_formal_where_preferred()
    {
        var files = Files("a", Options with { SftTrain = 6000 });
        var shown = Messages(files.SftTrain).Where(row => row.Dataset == "courtesy").ToList();
        Assert.InRange(shown.Count(row => IsFormal(row.Messages[^1].Content)) / (double)shown.Count, 0.25, 0.35);
        var pairs = Pairs(files.DpoTrain).Where(pair => pair.Dataset == "courtesy").ToList();
        Assert.InRange(pairs.Count / 800.0, 0.6, 0.8);
        Assert.All(pairs, pair => Assert.True(IsFormal(pair.Chosen[^1].Content)));
        Assert.All(pairs, pair => Assert.False(IsFormal(pair.Rejected[^1].Content)));
    }

    [Fact]
    public void Texts_are_short_and_made_of_few_words()
    {
        var rows = Messages(Files("a", Options).SftTrain);
        Assert.InRange(rows.Max(row => row.Messages.Sum(message => message.Content.Length)), 40, 400);
        Assert.InRange(rows.SelectMany(row => row.Messages).SelectMany(message => message.Content.Split(' ')).Distinct().Count(), 100, 400);
    }

    [Fact]
    public void Rows_are_short_in_tokens_learned_from_the_corpus()
    {
        var files = Files("a", Options);
        var tokenizer = SentencePieceTrainer.Train(File.ReadLines(files.Corpus), new() { VocabularySize = 640 }).Tokenizer;
        var encoder = new ChatEncoder(ChatTokenizer.Of(tokenizer), ChatForm.Default, 4096);
        var lengths = Messages(files.SftTrain).Take(500).Select(row => encoder.EncodeDialogue(row.Messages).Ids.Length).ToList();
        Assert.InRange(lengths.Average(), 15, 60);
        Assert.InRange(lengths.Max(), 20, 200);
    }

    [Fact]
    public void Impossible_options_are_bad_input()
    {
        Assert.Throws<BadInputException>(() => DemoData.Write(folder.Root, Options with { LongestList = 40 }));
        Assert.Throws<BadInputException>(() => DemoData.Write(folder.Root, Options with { HeldOutPercent = 0 }));
    }

    private static string Whole(IEnumerable<Message> messages) => string.Concat(messages.Select(message => $"{message.Role}: {message.Content}\n"));

    private static bool IsFormal(string answer) => answer.StartsWith("Good morning", StringComparison.Ordinal)
        || answer.StartsWith("My best thanks", StringComparison.Ordinal) || answer.StartsWith("Farewell", StringComparison.Ordinal);

    private DemoFiles Files(string name, DemoDataOptions options) => DemoData.Write(folder.File(name), options);

    private static string[] All(DemoFiles files) => [files.SftTrain, files.SftHeldOut, files.DpoTrain, files.DpoHeldOut, files.Corpus];

    private static List<MessageRow> Messages(string path) => [.. RowReader.ReadMessages(path).Select(result => result.Row!)];

    private static List<PreferenceRow> Pairs(string path) => [.. RowReader.ReadPreferences(path).Select(result => result.Row!)];

    private static string Prompt(IReadOnlyList<Message> messages) => string.Join('\n', messages.Take(messages.Count - 1).Select(message => message.Content));
}
