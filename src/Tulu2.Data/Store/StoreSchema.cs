using Apache.Arrow;
using Apache.Arrow.Types;
using Tulu2.Data.Rows;

namespace Tulu2.Data.Store;

/// <summary>Columns of the Arrow files. One record is one sequence; a pair is two consecutive records, chosen first.</summary>
internal static class StoreSchema
{
    public const string Ids = "ids";
    public const string Spans = "loss_spans";
    public const string Untruncated = "untruncated_length";
    public const string File = "file";
    public const string Line = "line";
    public const string Dataset = "dataset";
    public const string Desirable = "desirable";

    /// <summary>Readable by any tool for Arrow files: token ids, flattened [begin, end) loss spans, and the origin of the row.</summary>
    public static Schema Of(RowKind kind) => new(
    [
        new Field(Ids, new ListType(Int32Type.Default), nullable: false),
        new Field(Spans, new ListType(Int32Type.Default), nullable: false),
        new Field(Untruncated, Int32Type.Default, nullable: false),
        new Field(File, Int32Type.Default, nullable: false),
        new Field(Line, Int64Type.Default, nullable: false),
        new Field(Dataset, StringType.Default, nullable: false),
        // Stores of other rows are those of versions that knew no labels.
        .. kind == RowKind.Unpaired ? [new Field(Desirable, BooleanType.Default, nullable: false)] : System.Array.Empty<Field>(),
    ], null);
}
