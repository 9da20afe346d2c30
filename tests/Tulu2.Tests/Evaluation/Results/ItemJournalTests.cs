using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
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

    [Property(MaxTest = 40)]
    public Property Whatever_byte_the_process_is_killed_at_whole_lines_are_kept_and_the_rest_is_written_again(PositiveInt items, NonNegativeInt cut)
    {
        if (System.IO.File.Exists(File)) System.IO.File.Delete(File);
        var all = Enumerable.Range(0, Math.Min(items.Get, 20)).Select(index => (index, new ItemScore($"é{index}", "d", index / 3.0))).ToList();
        using (var journal = ItemJournal.Open(_folder.FullName, "s")) journal.Append(all);
        var bytes = System.IO.File.ReadAllBytes(File);
        var kept = bytes[..(cut.Get % (bytes.Length + 1))];
        System.IO.File.WriteAllBytes(File, kept);
        using (var journal = ItemJournal.Open(_folder.FullName, "s"))
        {
            var whole = Math.Max(0, Encoding.UTF8.GetString(kept).Count(character => character == '\n') - 1);
            if (journal.Scores.Count != whole) return false.ToProperty();
            journal.Append(all);
        }
        using var again = ItemJournal.Open(_folder.FullName, "s");
        return (again.Scores.OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value)).SequenceEqual(all) && System.IO.File.ReadLines(File).Count() == all.Count + 1).ToProperty();
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
