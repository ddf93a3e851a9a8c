package io.milvus.v2.client;

import java.util.Map;
import java.util.TreeMap;

/** Stands in for the class of milvus-sdk-java: it keeps what it is told. */
public class ConnectConfig {
    final Map<String, String> settings;

    private ConnectConfig(Map<String, String> settings) {
        this.settings = settings;
    }

    public static Builder builder() {
        return new Builder();
    }

    public static class Builder {
        private final Map<String, String> settings = new TreeMap<>();

        private Builder set(String name, String value) {
            settings.put(name, value);
            return this;
        }

        public Builder uri(String value) {
            return set("uri", value);
        }

        public Builder token(String value) {
            return set("token", value);
        }

        public Builder serverName(String value) {
            return set("serverName", value);
        }

        public Builder serverPemPath(String value) {
            return set("serverPemPath", value);
        }

        public Builder caPemPath(String value) {
            return set("caPemPath", value);
        }

        public Builder clientPemPath(String value) {
            return set("clientPemPath", value);
        }

        public Builder clientKeyPath(String value) {
            return set("clientKeyPath", value);
        }

        public ConnectConfig build() {
            return new ConnectConfig(settings);
        }
    }
}
