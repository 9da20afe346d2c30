using DuckDB.NET.Data;

namespace Tulu2.Tests.Data.Rows;

/// <summary>Files as DuckDB writes them: it reads JSON Lines with one schema for all rows, so that every row has the keys of all, null where it has none.</summary>
internal static class DuckDbFiles
{
    public const string Parquet = "FORMAT parquet", Lines = "FORMAT json", Array = "FORMAT json, ARRAY true";

    /// <param name="rows">A file of JSON Lines.</param>
    /// <param name="form">One of the constants above.</param>
    public static string Copy(string rows, string target, string form) =>
        // It would make one column, a map, of rows whose keys differ as much as those of the tests.
        Write($"SELECT * FROM read_json_auto('{rows}', format = 'newline_delimited', map_inference_threshold = -1)", target, form);

    /// <summary>The result of a query as a file.</summary>
    public static string Write(string query, string target, string form)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"COPY ({query}) TO '{target}' ({form})";
        command.ExecuteNonQuery();
        return target;
    }
}
