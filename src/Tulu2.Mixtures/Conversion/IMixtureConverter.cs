using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Selection;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Conversion;

/// <summary>
/// Makes rows of the records of one of TÜLU's upstream sources. A converter is one class without constructor parameters in one file of <c>Converters</c>;
/// it is found there by reflection (docs/extending/mixture-converter.md, which also says why it is not a row source).
/// </summary>
internal interface IMixtureConverter
{
    /// <summary>The name that recipes use, in lower case.</summary>
    string Name { get; }

    /// <summary>The record's keys that it reads. Other columns of a Parquet file are not read.</summary>
    IReadOnlyList<string> Keys { get; }

    /// <summary>Reads the options and gives the conversion of one source.</summary>
    /// <exception cref="Files.BadInputException">An option cannot be used.</exception>
    IRecordConversion Begin(ConversionSetup setup);
}

/// <param name="Source">The source's name: the rows' dataset, and the beginning of their ids.</param>
/// <param name="Options">The source's <c>options</c>.</param>
/// <param name="Seed">The recipe's.</param>
/// <param name="FullPath">The full path of a file that an option names.</param>
internal sealed record ConversionSetup(string Source, MixtureMode Mode, Section Options, int Seed, Func<string, string> FullPath);

/// <summary>Where a record stands in its source.</summary>
/// <param name="Index">Its place in what is taken of the source, from 0; part of most ids.</param>
/// <param name="Draw">Its own random number in [0, 1), if the conversion asks for one.</param>
internal readonly record struct RecordContext(RowLocation Location, int Index, double Draw);

/// <summary>A converter with its options. Pure, and called from several threads: what it does depends on nothing but its arguments.</summary>
internal interface IRecordConversion
{
    /// <summary>How records are chosen.</summary>
    ISelectionRule Selection => new SampleRule();

    /// <summary>Each record that is taken has a random number of its own, drawn in their order.</summary>
    bool Draws => false;

    /// <summary>Texts that decide what it does, beside the recipe: the content of files that options name.</summary>
    IEnumerable<string> ContentKeys => [];

    /// <summary>The record belongs to this source; others are as if they weren't in the file.</summary>
    bool Wants(JsonElement record) => true;

    /// <param name="record">An object.</param>
    void Convert(JsonElement record, RecordContext context, RecordOutput output);
}
