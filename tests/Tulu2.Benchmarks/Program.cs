using BenchmarkDotNet.Running;
using Tulu2.Benchmarks;
using Tulu2.Benchmarks.LlamaCpp;

// Ratios against a baseline of the same run: dotnet run -c Release --project tests/Tulu2.Benchmarks -- --filter '*'
if (args is ["fuzz-frames"]) FrameFuzz.Run(Console.OpenStandardInput());
else if (args is ["fuzz-rows", var inputs, ..]) RowFuzz.Run(long.Parse(inputs), args.Length > 2 ? int.Parse(args[2]) : 1, Console.Out);
else if (args is ["serve-load", var model, ..])
    return await ServeLoadCommand.RunAsync(model, args.Length > 2 ? int.Parse(args[2]) : 60, args.Length > 3 ? int.Parse(args[3]) : 64, Console.Out);
else if (args is ["generate-llama", ..]) LlamaComparison.Run(args[1..], Console.Out);
else BenchmarkSwitcher.FromAssembly(System.Reflection.Assembly.GetExecutingAssembly()).Run(args);
return 0;
