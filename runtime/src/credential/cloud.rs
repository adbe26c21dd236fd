//! The clouds that are run apart from each other.

/// Whom a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Audience {
    /// The data plane of IoT hubs: identities, twins, jobs. Devices have no such tokens.
    Hub,
    /// Azure Resource Manager, which has hubs as resources.
    Management,
}

/// Microsoft runs several Azures, each with hosts and tokens of its own.
///
/// The names are those of Microsoft's documentation ([national clouds][clouds], [hubs][hub], [hubs in China][china])
/// and of its clients (`IotHubAuthenticationScopes` for .NET, `CloudConfiguration` for Rust).
///
/// ```
/// use specsmith_runtime::credential::{Audience, Cloud};
///
/// assert_eq!(Cloud::UsGovernment.management_endpoint(), "https://management.usgovcloudapi.net");
/// assert_eq!(Cloud::default().scope(Audience::Hub), "https://iothubs.azure.net/.default");
/// ```
///
/// [clouds]: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
/// [hub]: https://learn.microsoft.com/azure/iot-hub/authenticate-authorize-azure-ad
/// [china]: https://docs.azure.cn/iot-hub/iot-hub-dev-guide-azure-ad-rbac
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cloud {
    /// The one that everybody can use.
    #[default]
    Public,
    /// Azure Government, in the USA.
    UsGovernment,
    /// Azure in China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The cloud of the hub at this host; public where the name says nothing else.
    pub fn of_hub(host: &str) -> Cloud {
        let host = host.to_ascii_lowercase();
        let cloud = |cloud: &Cloud| {
            let name = host.strip_suffix(cloud.hub_suffix());
            name.is_some_and(|name| name.ends_with('.'))
        };
        [Cloud::UsGovernment, Cloud::China].into_iter().find(cloud).unwrap_or_default()
    }

    /// What follows the name of a hub, and a dot, in its host.
    pub const fn hub_suffix(self) -> &'static str {
        match self {
            Cloud::Public => "azure-devices.net",
            Cloud::UsGovernment => "azure-devices.us",
            Cloud::China => "azure-devices.cn",
        }
    }

    /// Where Azure Resource Manager is.
    pub const fn management_endpoint(self) -> &'static str {
        match self {
            Cloud::Public => "https://management.azure.com",
            Cloud::UsGovernment => "https://management.usgovcloudapi.net",
            Cloud::China => "https://management.chinacloudapi.cn",
        }
    }

    /// The scope to ask Microsoft Entra for, to be understood there.
    pub const fn scope(self, audience: Audience) -> &'static str {
        match (self, audience) {
            (Cloud::Public, Audience::Hub) => "https://iothubs.azure.net/.default",
            (Cloud::UsGovernment, Audience::Hub) => "https://iothubs.azure.us/.default",
            (Cloud::China, Audience::Hub) => "https://iothubs.chinacloudapi.cn/.default",
            (Cloud::Public, Audience::Management) => "https://management.azure.com/.default",
            (Cloud::UsGovernment, Audience::Management) => "https://management.usgovcloudapi.net/.default",
            (Cloud::China, Audience::Management) => "https://management.chinacloudapi.cn/.default",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hubs_by_their_names() {
        for (host, cloud) in [
            ("a.azure-devices.net", Cloud::Public),
            ("A.Azure-Devices.US", Cloud::UsGovernment),
            ("a.azure-devices.cn", Cloud::China),
            ("evilazure-devices.cn", Cloud::Public),
            ("azure-devices.cn", Cloud::Public),
            ("127.0.0.1", Cloud::Public),
        ] {
            assert_eq!(Cloud::of_hub(host), cloud, "{host}");
        }
    }

    #[test]
    fn a_scope_is_below_its_endpoint() {
        for cloud in [Cloud::Public, Cloud::UsGovernment, Cloud::China] {
            let scope = cloud.scope(Audience::Management);
            assert_eq!(scope.strip_suffix("/.default"), Some(cloud.management_endpoint()));
        }
    }
}
