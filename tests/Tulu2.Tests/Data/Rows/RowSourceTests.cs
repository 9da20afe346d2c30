using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

/// <summary>The seam where a form of rows is added: every source of Rows/Sources is found, and each is a pure converter.</summary>
public sealed class RowSourceTests : IDisposable
{
    private const string Row = """{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}""";
    private const string Pair = """{"prompt":"a","chosen":"b","rejected":"c"}""";
    private const string Both = """{"prompt":"a","chosen":"b","rejected":"c","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_source_is_one_sealed_class_of_its_folder_with_a_name_of_its_own()
    {
        Assert.Equal(["messages", "preferences"], RowSources.All.Take(2).Select(source => source.Name));
        Assert.Equal(RowSources.All.Count, RowSources.All.Select(source => source.Name).Distinct().Count());
        Assert.All(RowSources.All, source =>
        {
            Assert.Equal("Tulu2.Data.Rows.Sources", source.GetType().Namespace);
            Assert.True(source.GetType().IsSealed);
            Assert.Equal(source.Name, source.Name.ToLowerInvariant());
            Assert.NotEmpty(source.Keys);
            Assert.Equal(source.Kind == RowKind.Messages, source is IRowSource<MessageRow>);
            Assert.Equal(source.Kind == RowKind.Preferences, source is IRowSource<PreferenceRow>);
            Assert.Equal(source.Kind == RowKind.Unpaired, source is IRowSource<UnpairedRow>);
        });
    }

    [Fact]
    public void A_record_without_a_sources_keys_does_not_match_it_and_is_a_fault_by_name()
    {
        var location = new RowLocation("rows.jsonl", 1);
        using var foreign = JsonDocument.Parse("""{"colour":"red"}""");
        Assert.All(RowSources.All, source => Assert.Equal(Likeness.None, source.Match(foreign.RootElement)));
        Assert.All(RowSources.All.OfType<IRowSource<MessageRow>>(), source => Assert.NotEmpty(source.Convert(foreign.RootElement, location).Fault!.Reason));
        Assert.All(RowSources.All.OfType<IRowSource<PreferenceRow>>(), source => Assert.NotEmpty(source.Convert(foreign.RootElement, location).Fault!.Reason));
        Assert.All(RowSources.All.OfType<IRowSource<UnpairedRow>>(), source => Assert.NotEmpty(source.Convert(foreign.RootElement, location).Fault!.Reason));
    }

    [Theory]
    [InlineData(Row, "messages")]
    [InlineData("""{"messages":null}""", "messages")]
    [InlineData(Pair, "preferences")]
    [InlineData(Both, "preferences")]
    [InlineData("""{"rejected":"c"}""", "preferences")]
    [InlineData("""{"rejected":"c","messages":[]}""", "messages")]
    [InlineData("""{"prompt":"a","completion":"b","label":0}""", "kto")]
    [InlineData("""{"prompt":"a","completion":"b"}""", "prompt_completion")]
    [InlineData("""{"colour":"red"}""", null)]
    public void The_best_match_by_keys_gets_a_record(string record, string? name)
    {
        using var document = JsonDocument.Parse(record);
        Assert.Equal(name, RowSources.BestMatch(document.RootElement)?.Name);
    }

    [Fact]
    public void A_key_that_would_change_what_is_learnt_is_refused_by_every_source_that_can_read_the_record()
    {
        var location = new RowLocation("rows.jsonl", 1);
        foreach (var key in RowKeys.RefusedInRow.Keys)
        {
            using var row = JsonDocument.Parse($"{Row[..^1]},\"{key}\":[\"x\"]}}");
            using var pair = JsonDocument.Parse($"{Pair[..^1]},\"{key}\":[\"x\"]}}");
            Assert.All(Matching<MessageRow>(row), source => Assert.StartsWith($"{key}: ", source.Convert(row.RootElement, location).Fault!.Reason));
            Assert.All(Matching<PreferenceRow>(pair), source => Assert.StartsWith($"{key}: ", source.Convert(pair.RootElement, location).Fault!.Reason));
        }
    }

    [Fact]
    public void A_named_source_reads_the_file_whatever_its_records_look_like()
    {
        var path = folder.Write("rows.jsonl", $"{Both}\n{Pair}\n");
        Assert.Equal([true, false], RowReader.ReadMessages(Read(path, "messages")).Select(result => result.Row is not null));
        Assert.Equal([true, true], RowReader.ReadPreferences(Read(path, "preferences")).Select(result => result.Row is not null));
    }

    [Fact]
    public void A_name_that_no_source_of_the_kind_has_is_refused_with_those_there_are()
    {
        var path = folder.Write("rows.jsonl", Row);
        Assert.Contains("messages", Assert.Throws<BadInputException>(() => RowReader.ReadMessages(Read(path, "preferences")).Any()).Fix);
        Assert.Equal("did you mean 'messages'?", Assert.Throws<BadInputException>(() => RowReader.ReadMessages(Read(path, "message")).Any()).Fix);
    }

    [Theory]
    [InlineData(Row, RowKind.Preferences, false)]
    [InlineData(Pair, RowKind.Messages, false)]
    [InlineData(Both, RowKind.Messages, true)]
    [InlineData(Both, RowKind.Preferences, true)]
    [InlineData(Pair, RowKind.Unpaired, true)]
    [InlineData(Row, RowKind.Unpaired, false)]
    [InlineData("""{"prompt":"a","completion":"b","label":3}""", RowKind.Messages, true)]
    [InlineData("""{"prompt":"a","completion":"b","label":3}""", RowKind.Preferences, false)]
    [InlineData("""{"rejected":"c","messages":[]}""", RowKind.Preferences, false)]
    [InlineData("""{"colour":"red"}""", RowKind.Preferences, true)]
    public void A_file_can_be_read_as_another_kind_where_its_records_have_all_keys_of_it(string record, RowKind kind, bool can)
    {
        var path = folder.Write("rows.jsonl", record);
        Assert.Equal(can, RowKinds.CanBeReadAs(path, kind));
        if (can) Assert.Equal(RowFormats.Of(path, record == Pair ? RowKind.Preferences : kind), RowFormats.Look(path, kind).Form);
    }

    [Fact]
    public void Token_stores_keep_their_keys_until_a_source_is_added() =>
        Assert.Equal(string.Join(' ', ["rows-5", .. RowSources.AddedNames]), RowReader.Version);

    private static DataFile Read(string path, string form) => new(path) { Format = form };

    private static IEnumerable<IRowSource<TRow>> Matching<TRow>(JsonDocument record)
        where TRow : class => RowSources.All.OfType<IRowSource<TRow>>().Where(source => source.Match(record.RootElement) >= Likeness.Complete);
}
