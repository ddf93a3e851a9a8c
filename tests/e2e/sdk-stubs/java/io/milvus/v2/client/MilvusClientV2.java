package io.milvus.v2.client;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;

/** Stands in for the class of milvus-sdk-java: its collections are what it was told, in Base64. */
public class MilvusClientV2 {
    private final ConnectConfig config;

    public MilvusClientV2(ConnectConfig config) {
        this.config = config;
    }

    public Response listCollections() {
        return new Response();
    }

    public class Response {
        public List<String> getCollectionNames() {
            return config.settings.entrySet().stream()
                    .map(entry -> entry.getKey() + "=" + encoded(entry.getValue()))
                    .collect(Collectors.toList());
        }
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
