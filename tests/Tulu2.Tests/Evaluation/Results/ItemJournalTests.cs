using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Results;

public sealed class ItemJournalTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("journal");

    private string File => Path.Combine(_folder.FullName, "items.partial.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Whatever_byte_the_process_is_killed_at_whole_lines_are_kept_and_the_rest_is_written_again()
    {
        var all = Enumerable.Range(0, 3).Select(index => (index, new ItemScore($"é{index}", "d", index / 3.0))).ToList();
        using (var journal = ItemJournal.Open(_folder.FullName, "s")) journal.Append(all);
        var bytes = System.IO.File.ReadAllBytes(File);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            System.IO.File.WriteAllBytes(File, bytes[..cut]);
            using (var journal = ItemJournal.Open(_folder.FullName, "s"))
            {
                Assert.Equal(Math.Max(0, bytes[..cut].Count(value => value == '\n') - 1), journal.Scores.Count);
                journal.Append(all);
            }
            Assert.Equal(bytes, System.IO.File.ReadAllBytes(File));
        }
        using var again = ItemJournal.Open(_folder.FullName, "s");
        Assert.Equal(all.Select(scored => scored.Item2.Item), again.Scores.OrderBy(pair => pair.Key).Select(pair => pair.Value.Item));
        Assert.Equal(all.Select(scored => scored.Item2.Value), again.Scores.OrderBy(pair => pair.Key).Select(pair => pair.Value.Value));
    }

    [Fact]
    public void Another_subject_and_another_process_are_refused()
    {
        using (var journal = ItemJournal.Open(_folder.FullName, "one"))
        {
            journal.Append([(0, new ItemScore("a", "", 1))]);
            Assert.Throws<BadInputException>(() => ItemJournal.Open(_folder.FullName, "one"));
        }
        Assert.Contains("another model", Assert.Throws<BadInputException>(() => ItemJournal.Open(_folder.FullName, "two")).What);
        System.IO.File.AppendAllText(File, "{}x\n");
        Assert.Equal($"{File}:3", Assert.Throws<BadInputException>(() => ItemJournal.Open(_folder.FullName, "one")).Where);
    }
}
