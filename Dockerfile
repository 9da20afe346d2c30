# One image for every role of docker-compose.yml; the recipes and the configurations of nodes come along with the publish.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish src/Tulu2.Cli -c Release -o /app

FROM mcr.microsoft.com/dotnet/runtime:10.0
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /app /app
WORKDIR /shared
ENTRYPOINT ["dotnet", "/app/tulu2.dll"]
