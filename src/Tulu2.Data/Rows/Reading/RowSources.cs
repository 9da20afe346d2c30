using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;
using Tulu2.Data.Rows.Sources;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Reading;

/// <summary>Every row source of this assembly, found by reflection.</summary>
internal static class RowSources
{
    // The forms of the first release: part of the version "rows-5" itself, and the sources of rows that match no form, whose faults then say what is wanted.
    private static readonly MessagesSource Messages = new();
    private static readonly PreferencesSource Preferences = new();

    /// <summary>The released forms first, which decides between equal matches; the others by name.</summary>
    public static IReadOnlyList<IRowSource> All { get; } = [Messages, Preferences, .. Added()];

    /// <summary>Names of the sources beside the released forms, in order: with another set of sources the same file may give other rows.</summary>
    public static IEnumerable<string> AddedNames => All.Skip(2).Select(source => source.Name);

    /// <summary>The columns that some source reads or refuses.</summary>
    public static RecordColumns Columns { get; } = new(
        [.. All.SelectMany(source => source.Keys), .. RowKeys.Common],
        "give instruction rows with a column messages, preference pairs with columns prompt, chosen and rejected, or unpaired ones with columns prompt, completion and label");

    /// <summary>The source that matches a record best, of those that give rows of one kind or of any; null: none matches.</summary>
    public static IRowSource? BestMatch(JsonElement record, RowKind? kind = null) => BestOf(All.Where(source => kind is null || source.Kind == kind), record);

    /// <summary>As <see cref="BestMatch"/>, among the sources of one type of row.</summary>
    public static IRowSource<TRow>? BestMatch<TRow>(JsonElement record)
        where TRow : class => BestOf(All.OfType<IRowSource<TRow>>(), record);

    /// <summary>The source for records that match none.</summary>
    public static IRowSource<TRow> Default<TRow>()
        where TRow : class => All.OfType<IRowSource<TRow>>().First();

    /// <exception cref="BadInputException">There is no source of that name.</exception>
    public static IRowSource Named(string name)
    {
        if (All.FirstOrDefault(source => source.Name == name) is { } found) return found;
        var names = All.Select(source => source.Name).ToList();
        throw new BadInputException("data.format", $"there is no form of rows '{name}'",
            NearestName.Of(name, names) is { } near ? $"did you mean '{near}'?" : $"use one of {string.Join(", ", names)}");
    }

    /// <exception cref="BadInputException">There is no source of that name that gives such rows.</exception>
    public static IRowSource<TRow> Named<TRow>(string name)
        where TRow : class
    {
        var named = Named(name);
        if (named is IRowSource<TRow> found) return found;
        var names = All.OfType<IRowSource<TRow>>().Select(source => source.Name);
        throw new BadInputException("data.format", $"'{name}' gives {RowKinds.Name(named.Kind)}, and others are wanted here", $"use one of {string.Join(", ", names)}");
    }

    private static TSource? BestOf<TSource>(IEnumerable<TSource> sources, JsonElement record)
        where TSource : class, IRowSource
    {
        var (best, surest) = (default(TSource), Likeness.None);
        foreach (var source in sources)
            if (source.Match(record) is var likeness && likeness > surest) (best, surest) = (source, likeness);
        return best;
    }

    private static IEnumerable<IRowSource> Added() => Implementations
        .In<IRowSource>(typeof(IRowSource).Assembly, where: type => type != typeof(MessagesSource) && type != typeof(PreferencesSource))
        .OrderBy(source => source.Name, StringComparer.Ordinal);
}
